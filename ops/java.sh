# Finds or installs Java 17 and Maven, and fetches the jars of both servers by them. Sourced by ops/setup.sh.
#
# The jars lie in the cache, one folder per server and version, each file checked against ops/cluster/NAME.sha256. To remove them:
# rm -r ~/.cache/care-engine/{kafka,cassandra}-*

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
    need_jars kafka
    KAFKA_JARS=$JARS
    need_jars cassandra
    CASSANDRA_JARS=$JARS
    export JAVA KAFKA_JARS CASSANDRA_JARS
}

# Makes sure that the jars of one server (kafka, cassandra) are in the cache, whole; prints nothing when they are. Sets JARS.
need_jars() {
    local version pom=ops/cluster/$1.xml sums=$PWD/ops/cluster/$1.sha256 partial
    version=$(sed -n 's/^  <version>\(.*\)<\/version>$/\1/p' "$pom")
    JARS=$CACHE_DIR/$1-$version
    if jars_are_whole "$JARS" "$sums"; then return; fi
    mkdir -p "$CACHE_DIR"
    exec 8>"$CACHE_DIR/jars.lock"
    flock 8
    if ! jars_are_whole "$JARS" "$sums"; then
        say "$1: fetching $version into $JARS ($(sed -n 's/^# \(.* MB\).*/\1/p' "$sums"), once)"
        partial=$JARS.partial
        rm -rf "$partial"
        # What Maven has fetched it finds there again, should this be interrupted.
        mkdir -p "$partial"
        mvn -B -q -ntp -C -Dmaven.repo.local="$CACHE_DIR/maven" -f "$pom" "$DEPENDENCY_PLUGIN:copy-dependencies" -DincludeScope=runtime \
            -DoutputDirectory="$partial" >"$partial/maven.log" 2>&1 || fail "Maven could not fetch $1; this can be run again at any time. $(tail -n 5 "$partial/maven.log")"
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
