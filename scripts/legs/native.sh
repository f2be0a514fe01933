# This machine's own compilers. Sourced by scripts/matrix.

left_out=

# suites NAME [CMAKE-ARG ...]: build with warnings as errors, and run the suites; but those of $left_out, a pattern of
# ctest's, if it is set.
suites() {
    name=$1
    shift
    say "$name${left_out:+, without $left_out}"
    if build "build/matrix/$name" -DTHRUM_WARNINGS_AS_ERRORS=ON "$@"; then
        run_ctest "build/matrix/$name" -j 2 ${left_out:+-E "$left_out"}
    fi
}

leg_gcc_debug() {
    suites gcc-debug -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug
}

leg_clang_release() {
    suites clang-release -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release
}

leg_gcc_shared() {
    suites gcc-shared -DCMAKE_C_COMPILER=gcc -DBUILD_SHARED_LIBS=ON -DCMAKE_BUILD_TYPE=Release -DTHRUM_PARKER=pthread
}

leg_broken() {
    check "broken variants: each is caught" scripts/check-broken
}

leg_asan_ubsan() {
    export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    suites asan-ubsan -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        "-DCMAKE_C_FLAGS=-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
}

# ThreadSanitizer would sleep a second at each exit, and the programs are watched to the tenth. Left out: one suite on one
# parker, for the runtime of clang 14 loses a signal there in about 1 of 50 runs of its program for monitors. Seen in a
# debugger: thrum_interrupt_main has said THRUM_OK, the system has none pending, and thrum's handler was not entered once,
# while main went through the intercepted clock_gettime and ppoll every 5 ms. Without it: 0 of 1,500.
leg_tsan() {
    export TSAN_OPTIONS=atexit_sleep_ms=0
    left_out='^pthread[.]handler_ends$'
    suites tsan -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        "-DCMAKE_C_FLAGS=-fsanitize=thread -fno-omit-frame-pointer"
    left_out=
}

# Left out: shots and leaks, which look for something by luck or number, where helgrind looks at the order of accesses; the
# example programs, which are watched to the tenth of a second; and what ends or forks a process while other threads are at work, for of each that
# holds a lock then helgrind says that it exits with it. tests/helgrind says how it knows thrum's atomics.
leg_helgrind() {
    left_out='^futex[.]|[.](shots|process|fork|exec|leaks)$|^program[.]'
    suites helgrind -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        "-DCMAKE_C_FLAGS=-I$PWD/include -include $PWD/tests/helgrind/atomic.h" \
        "-DCMAKE_CROSSCOMPILING_EMULATOR=valgrind;--tool=helgrind;--quiet;--max-threads=2000;--error-exitcode=99;--suppressions=$PWD/tests/helgrind/suppressions"
    left_out=
}

leg_installed() {
    check "installed, static: found and used from C and C++" scripts/check-install OFF
    check "installed, shared: found and used from C and C++" scripts/check-install ON
    say "the two libraries, for their symbols"
    build build/matrix/symbols-static -DTHRUM_BUILD_TESTS=OFF || return 0
    build build/matrix/symbols-shared -DTHRUM_BUILD_TESTS=OFF -DBUILD_SHARED_LIBS=ON || return 0
    check "symbols: nothing but thrum's" scripts/check-symbols build/matrix/symbols-static/libthrum.a \
        build/matrix/symbols-shared/libthrum.so
    set_up_wine
    check "installed for Windows, static" scripts/check-install OFF mingw
    check "installed for Windows, as a DLL" scripts/check-install ON mingw
    end_wine
}
