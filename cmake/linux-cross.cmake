# Cross-compile for Linux on another processor, with Debian's cross compilers, and run what comes of it under qemu's user
# mode. Set THRUM_CROSS to aarch64, s390x, or another that gcc-<name>-linux-gnu and qemu-<name> exist for; i686 too, whose
# programs this machine's kernel can run itself: then set THRUM_CROSS_EMULATED to OFF.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES THRUM_CROSS THRUM_CROSS_EMULATED)

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${THRUM_CROSS})
set(CMAKE_C_COMPILER ${THRUM_CROSS}-linux-gnu-gcc)
set(CMAKE_FIND_ROOT_PATH /usr/${THRUM_CROSS}-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)

if(NOT DEFINED THRUM_CROSS_EMULATED OR THRUM_CROSS_EMULATED)
  string(REPLACE i686 i386 emulated ${THRUM_CROSS})
  set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${emulated} -L /usr/${THRUM_CROSS}-linux-gnu)
else()
  # The cross libc is not where programs look for theirs.
  file(GLOB loader /usr/${THRUM_CROSS}-linux-gnu/lib/ld-linux*.so.*)
  set(CMAKE_EXE_LINKER_FLAGS_INIT
      "-Wl,--dynamic-linker=${loader} -Wl,-rpath=/usr/${THRUM_CROSS}-linux-gnu/lib")
endif()
