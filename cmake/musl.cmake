# Compile for musl with Debian's musl-gcc. It has musl's headers and no others; the kernel's, which the futex parker needs,
# are in folders of the machine's own libc. Links to those three alone make them reachable, after musl's.
set(CMAKE_C_COMPILER musl-gcc)
set(kernel ${CMAKE_BINARY_DIR}/kernel-headers)
file(MAKE_DIRECTORY ${kernel})
file(GLOB asm /usr/include/asm /usr/include/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu/asm)
file(CREATE_LINK /usr/include/linux ${kernel}/linux SYMBOLIC)
file(CREATE_LINK /usr/include/asm-generic ${kernel}/asm-generic SYMBOLIC)
file(CREATE_LINK ${asm} ${kernel}/asm SYMBOLIC)
set(CMAKE_C_FLAGS_INIT "-idirafter ${kernel}")
# Libraries of the machine's own libc are not for these programs.
set(CMAKE_FIND_ROOT_PATH /usr/lib/musl)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
