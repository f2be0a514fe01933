/* What the end of a thread needs of the end of the process. */
#ifndef THRUM_SRC_PROCESS_H
#define THRUM_SRC_PROCESS_H

/* Shut down for good, as at exit(): an interrupt in the wait for the last threads ends the process. */
void thrum__process_end(void);

/* Once, from thrum__begin. */
void thrum__process_begin(void);

#endif
