import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.TimeZone;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.quartz.CronExpression;

/**
 * Answers each line of the first file, `zone TAB expression TAB second ...`, with one line of the second: `!` and the
 * reason when Quartz refuses the expression; else, for each second since 1970, the second of the next time after it, `-`
 * for never. `?` = Quartz fails, or goes round in circles, as it does over some.
 */
public final class Oracle {
  private static final int LIMIT_SECONDS = 2;
  private static ExecutorService worker = newWorker();

  public static void main(String[] arguments) throws Exception {
    List<String> answers = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(arguments[0]))) answers.add(answerInTime(line));
    Files.write(Path.of(arguments[1]), answers);
  }

  private static String answerInTime(String line) throws Exception {
    try {
      return worker.submit(() -> answer(line)).get(LIMIT_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException circling) {
      worker = newWorker();
      return "?" + " ?".repeat(line.split("\t", -1).length - 3);
    }
  }

  private static ExecutorService newWorker() {
    return Executors.newSingleThreadExecutor(task -> {
      Thread thread = new Thread(task);
      thread.setDaemon(true);
      return thread;
    });
  }

  private static String answer(String line) {
    String[] question = line.split("\t", -1);
    CronExpression expression;
    try {
      expression = new CronExpression(question[1]);
    } catch (ParseException refusal) {
      return "!" + refusal.getMessage().replace('\n', ' ');
    }
    expression.setTimeZone(TimeZone.getTimeZone(question[0]));
    StringBuilder answer = new StringBuilder();
    for (int index = 2; index < question.length; index++) {
      if (index > 2) answer.append(' ');
      answer.append(next(expression, Long.parseLong(question[index])));
    }
    return answer.toString();
  }

  private static String next(CronExpression expression, long second) {
    try {
      Date next = expression.getTimeAfter(new Date(second * 1000));
      return next == null ? "-" : Long.toString(next.getTime() / 1000);
    } catch (RuntimeException failure) {
      return "?";
    }
  }
}
