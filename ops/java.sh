# Finds or installs Java 17 and Maven, and fetches jars by them: of both servers, of the peers. Sourced by ops/setup.sh.
#
# The jars lie in the cache, one folder per use and version, each file checked against the NAME.sha256 beside its NAME.xml. To remove them:
# rm -r ~/.cache/care-engine/{kafka,cassandra,peers}-*

DEPENDENCY_PLUGIN=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

# Makes sure that Java 17 and Maven are there; sets JAVA, the program. Cassandra 5.0 refuses newer ones, Kafka 4 older ones.
need_java() {
    local missing=()
    find_java || missing+=(openjdk-17-jdk-headless)
    command -v mvn >/dev/null 2>&1 || missing+=(maven)
    if [ "${#missing[@]}" -gt 0 ]; then install_system_packages "${missing[@]}"; fi
    find_java || fail "there is no Java 17, and Cassandra takes no newer one: set JAVA_HOME to one"
    say "java: $JAVA"
}

find_java() {
    local candidate
    for candidate in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} "$(command -v java || true)" /usr/lib/jvm/*17*/bin/java; do
        if [ -x "$candidate" ] && "$candidate" -version 2>&1 | grep -q 'version "17\.'; then
            JAVA=$(readlink -f "$candidate")
            return
        fi
    done
    return 1
}

# Makes sure of everything that the servers of ops/local-cluster take; exports what ops/cluster reads.
need_servers() {
    need_java
    need_jars ops/cluster/kafka
    KAFKA_JARS=$JARS
    need_jars ops/cluster/cassandra
    CASSANDRA_JARS=$JARS
    export JAVA KAFKA_JARS CASSANDRA_JARS
}

# Makes sure of everything that the programs of ops/peers take, and compiles them; exports what ops/peers reads.
need_peers() {
    need_java
    local compiler=${JAVA%java}javac
    [ -x "$compiler" ] || fail "there is no $compiler beside that Java: the peers need a JDK (Debian: openjdk-17-jdk-headless)"
    need_jars ops/peers/peers
    PEERS_JARS=$JARS
    PEERS_CLASSES=${CARGO_TARGET_DIR:-$PWD/target}/peers/classes
    rm -rf "$PEERS_CLASSES"
    mkdir -p "$PEERS_CLASSES"
    "$compiler" -Xlint:all -Xlint:-classfile -Werror -cp "$PEERS_JARS/*" -d "$PEERS_CLASSES" ops/peers/java/*.java
    export JAVA PEERS_JARS PEERS_CLASSES
}

# Makes sure that the jars that a pom names (given without .xml) are in the cache, whole; prints nothing when they are. Sets JARS.
need_jars() {
    local name=${1##*/} version pom=$1.xml sums=$PWD/$1.sha256 partial
    version=$(sed -n 's/^  <version>\(.*\)<\/version>$/\1/p' "$pom")
    JARS=$CACHE_DIR/$name-$version
    if jars_are_whole "$JARS" "$sums"; then return; fi
    mkdir -p "$CACHE_DIR"
    exec 8>"$CACHE_DIR/jars.lock"
    flock 8
    if ! jars_are_whole "$JARS" "$sums"; then
        say "$name: fetching $version into $JARS ($(sed -n 's/^# \(.* MB\).*/\1/p' "$sums"), once)"
        partial=$JARS.partial
        rm -rf "$partial"
        # What Maven has fetched it finds there again, should this be interrupted.
        mkdir -p "$partial"
        mvn -B -q -ntp -C -Dmaven.repo.local="$CACHE_DIR/maven" -f "$pom" "$DEPENDENCY_PLUGIN:copy-dependencies" -DincludeScope=runtime \
            -DoutputDirectory="$partial" >"$partial/maven.log" 2>&1 || fail "Maven could not fetch $name; this can be run again at any time. $(tail -n 5 "$partial/maven.log")"
        rm "$partial/maven.log"
        (cd "$partial" && sha256sum --check --quiet --strict "$sums") || fail "what was fetched is not what $sums says: $partial"
        cp "$sums" "$partial/checked-by.sha256"
        rm -rf "$JARS" "$CACHE_DIR/maven"
        mv -T "$partial" "$JARS"
    fi
    exec 8>&-
}

# A folder gets its name when each file has been checked, and holds by what.
jars_are_whole() { cmp -s "$2" "$1/checked-by.sha256"; }
