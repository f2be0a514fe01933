/*
 * thrum: one threading API for Linux, macOS, the BSDs and Windows. This header includes them all; each stands alone.
 */
#ifndef THRUM_THRUM_H
#define THRUM_THRUM_H

#include <thrum/base.h>
#include <thrum/status.h>    /* what a call says */
#include <thrum/time.h>      /* lengths and deadlines */
#include <thrum/lock.h>      /* one holder */
#include <thrum/rlock.h>     /* one holder, re-entrant */
#include <thrum/cond.h>      /* wait with a lock given up */
#include <thrum/monitor.h>   /* Java's synchronized, wait, notify */
#include <thrum/semaphore.h> /* permits */
#include <thrum/event.h>     /* a flag to wait for */
#include <thrum/once.h>      /* done once */
#include <thrum/thread.h>    /* start, join, interrupt */
#include <thrum/local.h>     /* a value for each thread */
#include <thrum/signal.h>    /* the main thread receives the signal */
#include <thrum/process.h>   /* init, at-exit, shutdown */

#endif
