import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Words of a command line, as name=value. */
final class Options {
    private Options() {}

    /** Takes exactly these names, each once. */
    static Map<String, String> parse(String[] words, String... names) {
        var given = new HashMap<String, String>();
        for (var word : words) {
            int sign = word.indexOf('=');
            if (sign < 0 || !List.of(names).contains(word.substring(0, sign))) {
                throw new IllegalArgumentException(word + ": legal are NAME=VALUE with " + String.join(", ", names));
            }
            given.put(word.substring(0, sign), word.substring(sign + 1));
        }
        for (var name : names) {
            if (!given.containsKey(name)) throw new IllegalArgumentException(name + "=… is missing");
        }
        return given;
    }
}
