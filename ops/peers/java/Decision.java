import static java.nio.charset.StandardCharsets.UTF_8;

/** That a customer is to be spoken to: after every second order. `offset` is where the order lies in its partition. */
record Decision(long offset, long orders, long cents) {
    /** As it goes onto the topic; nothing in it needs escaping. */
    byte[] json(Event because) {
        return ("{\"customer\":\"" + because.userId() + "\",\"trigger\":\"second-order\",\"opened_by\":\"" + because.messageId()
            + "\",\"at\":\"" + because.timestamp() + "\",\"orders\":" + orders + ",\"cents\":" + cents + "}").getBytes(UTF_8);
    }
}
