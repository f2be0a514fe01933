# Linux with another libc or on another processor. Sourced by scripts/matrix.

# with_cunit NAME [CMAKE-ARG ...]: as `suites`, where no distribution's CUnit fits: it is built along.
with_cunit() {
    get_cunit build/matrix/cunit
    make_driver
    suites "$@" -DCMAKE_BUILD_TYPE=Release "-DCUNIT_SOURCE_DIR=$PWD/build/matrix/cunit/source" \
        "-DTHRUM_DRIVE=$PWD/build/matrix/drive"
}

# The driver of the example programs runs on this machine, whatever they are built for.
make_driver() {
    cc -D_GNU_SOURCE -O2 tests/programs/drive.c -o build/matrix/drive || give_up "the driver does not compile"
}

leg_musl() {
    with_cunit musl "-DCMAKE_TOOLCHAIN_FILE=$PWD/cmake/musl.cmake"
}

# Qemu's user mode does not carry its own state over a fork in a process with other threads. The child was seen to wait for
# good for a mutex of qemu's own (in its data, called from its do_syscall) that is held while another thread is being
# started, and to end with qemu's assertions "success" in qemu_plugin_vcpu_init_hook and "cpu == current_cpu" in cpu_exec.
# So the suite of fork is left out there; exec's is not, its children start no thread.
emulator_cannot='[.]fork$'

leg_i686() {
    printf 'int main(void) { return 0; }\n' >build/matrix/nothing.c
    emulated=ON
    i686-linux-gnu-gcc -static build/matrix/nothing.c -o build/matrix/nothing && build/matrix/nothing && emulated=OFF
    [ $emulated = OFF ] || left_out=$emulator_cannot
    with_cunit i686 "-DCMAKE_TOOLCHAIN_FILE=$PWD/cmake/linux-cross.cmake" -DTHRUM_CROSS=i686 \
        -DTHRUM_CROSS_EMULATED=$emulated
    left_out=
}

leg_arm64() {
    emulated_suites arm64 aarch64
}

leg_s390x() {
    emulated_suites s390x s390x
}

# emulated_suites NAME PROCESSOR
emulated_suites() {
    left_out=$emulator_cannot
    with_cunit "$1" "-DCMAKE_TOOLCHAIN_FILE=$PWD/cmake/linux-cross.cmake" "-DTHRUM_CROSS=$2"
    left_out=
}
