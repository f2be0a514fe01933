# Cross-compile with `zig cc`, which brings the headers and libraries of many systems. Set THRUM_ZIG to the program and
# THRUM_ZIG_TARGET to a target of its: aarch64-macos, x86_64-macos, x86_64-freebsd, x86_64-netbsd, x86_64-openbsd.
# What comes of it is linked, and cannot be run here.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES THRUM_ZIG THRUM_ZIG_TARGET)

string(REGEX REPLACE "-.*" "" CMAKE_SYSTEM_PROCESSOR ${THRUM_ZIG_TARGET})
if(THRUM_ZIG_TARGET MATCHES "-macos")
  set(CMAKE_SYSTEM_NAME Darwin)
  set(CMAKE_INSTALL_NAME_TOOL ${CMAKE_COMMAND}) # CMake asks for one, and uses it at installing alone
elseif(THRUM_ZIG_TARGET MATCHES "-freebsd")
  set(CMAKE_SYSTEM_NAME FreeBSD)
elseif(THRUM_ZIG_TARGET MATCHES "-netbsd")
  set(CMAKE_SYSTEM_NAME NetBSD)
elseif(THRUM_ZIG_TARGET MATCHES "-openbsd")
  set(CMAKE_SYSTEM_NAME OpenBSD)
else()
  message(FATAL_ERROR "THRUM_ZIG_TARGET=${THRUM_ZIG_TARGET} is not known here")
endif()

set(CMAKE_C_COMPILER ${THRUM_ZIG} cc -target ${THRUM_ZIG_TARGET})
# An archiver that knows the format of the target's object files.
set(CMAKE_C_ARCHIVE_CREATE "${THRUM_ZIG} ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_C_ARCHIVE_APPEND "${THRUM_ZIG} ar q <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_C_ARCHIVE_FINISH "${THRUM_ZIG} ranlib <TARGET>")

# This machine's libraries and headers are not the target's.
set(CMAKE_FIND_ROOT_PATH ${CMAKE_CURRENT_LIST_DIR}/none)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
