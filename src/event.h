/* A wait for an event that is no interruption point, for thrum's own use. */
#ifndef THRUM_SRC_EVENT_H
#define THRUM_SRC_EVENT_H

#include <thrum/event.h>

thrum_status thrum__event_wait_deaf(thrum_event *event, thrum_deadline deadline);

#endif
