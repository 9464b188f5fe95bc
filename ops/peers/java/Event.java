import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.time.Instant;

/** A call of the shop, as far as the job reads it. */
@JsonIgnoreProperties(ignoreUnknown = true)
record Event(String userId, String event, String messageId, String timestamp, Properties properties) {
    private static final ObjectReader READER = new ObjectMapper().readerFor(Event.class);

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Properties(String product_id, String order_id, double total) {}

    static Event parse(byte[] json) throws IOException {
        return READER.readValue(json);
    }

    long millis() {
        return Instant.parse(timestamp).toEpochMilli();
    }

    long cents() {
        return Math.round(properties.total() * 100);
    }

    boolean isOrder() {
        return event.equals("Order Completed");
    }
}
