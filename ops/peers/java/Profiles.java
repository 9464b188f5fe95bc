/** Where the job keeps its profiles. */
interface Profiles {
    /** The profile of a customer, or null. */
    Profile get(String customer);

    void put(String customer, Profile profile);
}
