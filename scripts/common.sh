# What the scripts share. Sourced, from the top of the repository; POSIX sh.

say() {
    printf '\n== %s\n' "$*"
}

give_up() {
    printf '%s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        give_up "this needs root, or sudo: $*"
    fi
}

# install native, or install matrix PACKAGE ...: see that the tools for native builds and tests are there, and on Debian
# these packages.
install() {
    if command -v apt-get >/dev/null 2>&1; then
        shift
        install_debian "$@"
    elif [ "$1" != native ]; then
        give_up "the matrix is for Debian and Ubuntu"
    elif command -v brew >/dev/null 2>&1; then
        install_homebrew
    elif command -v cmake >/dev/null 2>&1 && command -v cc >/dev/null 2>&1; then
        say "neither apt-get nor brew: going on with the tools that are here"
    else
        give_up "install a C compiler, CMake, Ninja and CUnit, and run this again"
    fi
}

install_debian() {
    missing=
    for package in gcc libc6-dev cmake ninja-build pkg-config libcunit1-dev "$@"; do
        case " $missing " in *" $package "*) continue ;; esac
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing:$missing"
    as_root apt-get update -qq || give_up "apt-get update failed"
    # libclang-rt-dev has the sanitizers where Debian ships them apart from clang; where it does not exist, clang has them.
    known=
    for package in $missing; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            known="$known $package"
        elif [ "$package" != libclang-rt-dev ]; then
            give_up "there is no package $package"
        fi
    done
    # shellcheck disable=SC2086
    [ -z "$known" ] ||
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $known >/dev/null ||
        give_up "apt-get install failed"
}

install_homebrew() {
    for formula in cmake ninja pkg-config cunit; do
        brew list "$formula" >/dev/null 2>&1 || brew install "$formula" || give_up "brew install $formula failed"
    done
}

# get_cunit DIR: CUnit's sources from the distribution's source package, into DIR.
get_cunit() {
    [ -d "$1/source" ] && return 0
    say "fetching CUnit's sources"
    rm -rf "$1"
    mkdir -p "$1/parts" "$1/lists/partial" "$1/unpacked"
    # The machine's own package sources, asked for sources instead of binaries, without a change to the machine's lists.
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$list" ] || sed -n 's/^deb /deb-src /p' "$list" >"$1/parts/$(basename "$list" .list).list"
    done
    for list in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" >"$1/parts/$(basename "$list")"
    done
    here=$(pwd)
    apt="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$here/$1/parts -o Dir::State::lists=$here/$1/lists
         -o APT::Sandbox::User=root -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache="
    # shellcheck disable=SC2086
    (cd "$1/unpacked" && apt-get $apt update -qq && apt-get $apt source -qq --download-only cunit) >"$1/log" 2>&1 ||
        { cat "$1/log"; give_up "CUnit's source package could not be had"; }
    (cd "$1/unpacked" && dpkg-source --no-check -x ./*.dsc ../source) >>"$1/log" 2>&1 ||
        { cat "$1/log"; give_up "CUnit's source package could not be unpacked"; }
}

passed=0
failed=0

# run_ctest BUILD-DIR [ARG ...]: run the tests of a build, and add their CUnit tests to $passed and $failed. A suite that
# died without its last line counts as one failure.
run_ctest() {
    build=$1
    shift
    rm -rf "$build/Testing"
    ctest --test-dir "$build" --output-on-failure --no-tests=error "$@" || true
    log="$build/Testing/Temporary/LastTest.log"
    [ -f "$log" ] || { failed=$((failed + 1)); return 0; }
    counts=$(awk '
        /^[a-z_]+: [0-9]+ passed, [0-9]+ failed/ { passed += $2; failed += $4; if ($4 > 0) told++ }
        /^Test (Failed|timed out|not available)/ || /^(Test|Error).*(Exception|Timeout|Not Run)/ { died++ }
        END { print passed + 0, failed + (died > told ? died - told : 0) }' "$log")
    fails="$build/Testing/Temporary/LastTestsFailed.log"
    set -- $counts
    if [ -f "$fails" ] && [ -s "$fails" ] && [ "$2" = 0 ]; then
        set -- "$1" "$(wc -l <"$fails")"
    fi
    passed=$((passed + $1))
    failed=$((failed + $2))
}

# check NAME COMMAND ...: one more test, which passes if the command does.
check() {
    name=$1
    shift
    say "$name"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$name"
    fi
}

# build DIR [CMAKE-ARG ...]: configure and build, or count a failure and return false.
build() {
    dir=$1
    shift
    [ -f "$dir/CMakeCache.txt" ] || set -- -G Ninja "$@" # a preset may have made it with another
    if cmake -S . -B "$dir" "$@" >"$dir.log" 2>&1 && cmake --build "$dir" >>"$dir.log" 2>&1; then
        return 0
    fi
    tail -n 60 "$dir.log"
    failed=$((failed + 1))
    printf 'FAILED: the build in %s\n' "$dir"
    return 1
}

finish() {
    printf '\n%s passed, %s failed\n' "$passed" "$failed"
    [ "$failed" = 0 ] && [ "$passed" != 0 ]
}
