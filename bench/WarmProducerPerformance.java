import com.sun.management.OperatingSystemMXBean;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import org.apache.kafka.tools.ProducerPerformance;

/**
 * Runs Kafka's ProducerPerformance three times in one Java machine, so that it is measured warm, and says
 * how much CPU the measured run took: `WarmProducerPerformance WARMUP_RECORDS RECORDS RATE ARGUMENT...`.
 *
 * First WARMUP_RECORDS as fast as possible, not shown; then one record, which costs what every run costs
 * whatever its length (reading the payload file, a producer, metadata); then RECORDS at RATE.
 */
public class WarmProducerPerformance {
    public static void main(String[] args) throws Exception {
        PrintStream shown = System.out;
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        if (!args[0].equals("0")) {
            ProducerPerformance.main(arguments(args, args[0], "-1"));
        }
        double before = cpuSeconds();
        ProducerPerformance.main(arguments(args, "1", "-1"));
        double fixed = cpuSeconds();
        System.setOut(shown);
        ProducerPerformance.main(arguments(args, args[1], args[2]));
        double after = cpuSeconds();
        System.out.printf("cpu seconds: %.3f before, %.3f for one record, %.3f measured%n",
            before, fixed - before, after - fixed);
    }

    private static String[] arguments(String[] args, String records, String rate) {
        String[] all = new String[args.length + 1];
        all[0] = "--num-records";
        all[1] = records;
        all[2] = "--throughput";
        all[3] = rate;
        System.arraycopy(args, 3, all, 4, args.length - 3);
        return all;
    }

    private static double cpuSeconds() {
        OperatingSystemMXBean machine = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return machine.getProcessCpuTime() / 1e9;
    }
}
