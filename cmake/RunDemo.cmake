# Run the program in PROGRAM, which is to end by an interrupt, and say how it ended.
execute_process(COMMAND ${EMULATOR} ${PROGRAM} RESULT_VARIABLE result)
# A program that SIGINT killed has no exit code: CMake says so in words, and Windows gives STATUS_CONTROL_C_EXIT.
if(result MATCHES "[Ii]nterrupt" OR result STREQUAL "130" OR result STREQUAL "3221225786"
   OR result STREQUAL "-1073741510" OR result STREQUAL "58")
  message("The program was ended by the interrupt, as it should.")
else()
  message(FATAL_ERROR "The program ended with \"${result}\", and not by an interrupt.")
endif()
