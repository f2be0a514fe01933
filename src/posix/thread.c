/* The POSIX port: threads. They are detached; what they leave behind is the system's to clear up, and when they have
 * ended is the core's to say. */
#include "posix.h"

#include <thrum/atomic.h>

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(THRUM_HAVE_TGKILL)
#include <sys/syscall.h>
#endif
#if defined(THRUM_HAVE_LWP_SELF)
#include <lwp.h>
#endif
#if defined(THRUM_HAVE_PTHREAD_NP_H)
#include <pthread_np.h>
#endif

/* A signal handler reads these: initial-exec storage is there before any code of the thread runs. */
#define THREAD_LOCAL static __thread __attribute__((tls_model("initial-exec")))

static void (*thread_began)(void *);

/* ---- Who I am --------------------------------------------------------------------------------------------------- */

THREAD_LOCAL void *self_;
THREAD_LOCAL uintptr_t token_;

void *thrum__port_self(void)
{
    return self_;
}

void thrum__port_set_self(void *self)
{
    self_ = self;
}

void *thrum__port_token(void)
{
    static uint64_t last; /* atomic */
    while (token_ == 0) {
        uint64_t before = thrum__load_u64_acquire(&last);
        if (thrum__cas_u64_acq_rel(&last, before, before + 1))
            token_ = (uintptr_t)(before + 1);
    }
    return (void *)token_;
}

uint64_t thrum__port_native_id(void)
{
#if defined(THRUM_HAVE_TGKILL)
    return (uint64_t)syscall(SYS_gettid);
#elif defined(THRUM_HAVE_PTHREAD_THREADID_NP)    /* macOS */
    uint64_t id = 0;
    pthread_threadid_np(NULL, &id);
    return id;
#elif defined(THRUM_HAVE_PTHREAD_GETTHREADID_NP) /* FreeBSD */
    return (uint64_t)pthread_getthreadid_np();
#elif defined(THRUM_HAVE_LWP_SELF)               /* NetBSD */
    return (uint64_t)_lwp_self();
#elif defined(THRUM_HAVE_GETTHRID)               /* OpenBSD */
    return (uint64_t)getthrid();
#else
    return (uint64_t)(uintptr_t)pthread_self();
#endif
}

uintptr_t thrum__port_native_handle(void)
{
    return (uintptr_t)pthread_self();
}

void thrum__port_native_forget(uintptr_t handle)
{
    (void)handle;
}

/* ---- The main thread -------------------------------------------------------------------------------------------- */

#if defined(THRUM_HAVE_TGKILL)

/* Linux: the thread whose number is the process's. True in a child of fork too. */
bool thrum__port_is_main(void)
{
    return syscall(SYS_gettid) == (long)getpid();
}

void thrum__posix_kill_main(int signum)
{
    long pid = (long)getpid();
    syscall(SYS_tgkill, pid, pid, signum);
}

#else

/* Elsewhere the one that the system says, where it does, from when it first calls; else the one that loaded thrum. A
 * signal is caught only after the main thread has called, so who forwards one finds it here. */
static pthread_t main_thread;

#if defined(THRUM_HAVE_PTHREAD_MAIN_NP)

bool thrum__port_is_main(void)
{
    if (pthread_main_np() != 1)
        return false;
    main_thread = pthread_self(); /* no other thread writes it, and this one always the same */
    return true;
}

#else

__attribute__((constructor)) static void remember_main(void)
{
    main_thread = pthread_self();
}

bool thrum__port_is_main(void)
{
    return pthread_equal(pthread_self(), main_thread);
}

#endif

void thrum__posix_kill_main(int signum)
{
    pthread_kill(main_thread, signum);
}

#endif

bool thrum__port_claim_main(void)
{
    return thrum__port_is_main();
}

/* ---- The end of a thread ---------------------------------------------------------------------------------------- */

/*
 * A key whose destructor asks to be called once more, so that what other libraries destroy at a thread's end, C++'s
 * thread_local objects among them, is gone before thrum calls the thread ended. Not later than that: POSIX promises
 * four rounds, a thread may be adopted in one of them, and ThreadSanitizer takes a thread's own state away in the last.
 */
static int last_round(void);

static pthread_key_t end_key;
static bool end_key_made;

typedef struct thread_end {
    void (*run)(void *);
    void *arg;
    int round;
    bool over;
} thread_end;

THREAD_LOCAL thread_end end_;

static void end_round(void *end)
{
    (void)end;
    if (++end_.round < last_round() && pthread_setspecific(end_key, &end_) == 0)
        return;
    end_.over = true;
    end_.run(end_.arg);
}

bool thrum__port_at_thread_end(void (*run)(void *), void *arg)
{
    if (end_.over || !end_key_made || pthread_setspecific(end_key, &end_) != 0)
        return false;
    end_.run = run;
    end_.arg = arg;
    return true;
}

void thrum__port_thread_exit(void)
{
    pthread_exit(NULL);
}

/* ---- Starting --------------------------------------------------------------------------------------------------- */

THREAD_LOCAL bool is_ours;   /* a thread that thrum started */
THREAD_LOCAL uint32_t kept_; /* the signals, a bit each, that are blocked here only because thrum started the thread */

static int last_round(void)
{
    return is_ours ? 2 : 1;
}

/* A mask without what thrum added to that of the calling thread. */
static sigset_t without_kept(const sigset_t *set)
{
    sigset_t mask = *set;
    for (int signum = 1; signum < 32; signum++)
        if (kept_ >> signum & 1)
            sigdelset(&mask, signum);
    return mask;
}

/* What a new thread is told. */
typedef struct beginning {
    void *arg;
    uint32_t kept;
} beginning;

static uint32_t kept_from(const sigset_t *ours, const sigset_t *starters)
{
    sigset_t own = without_kept(starters);
    uint32_t kept = 0;
    for (int signum = 1; signum < 32; signum++)
        if (sigismember(ours, signum) == 1 && sigismember(&own, signum) != 1)
            kept |= UINT32_C(1) << signum;
    return kept;
}

static void *began(void *told)
{
    beginning b = *(beginning *)told;
    thrum__port_free(told);
    is_ours = true;
    kept_ = b.kept;
    thread_began(b.arg);
    return NULL;
}

/* Round up to whole pages, and leave room for what the system puts on the stack before the program does. */
static bool whole_pages(size_t *size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (*size > SIZE_MAX - 6 * page)
        return false;
    *size = (*size + page - 1) / page * page + 4 * page;
    return true;
}

static bool set_stack(pthread_attr_t *attributes, size_t size)
{
    size_t usual;
    if (size != 0)
        return size >= (size_t)PTHREAD_STACK_MIN && whole_pages(&size) &&
               pthread_attr_setstacksize(attributes, size) == 0;
    if (pthread_attr_getstacksize(attributes, &usual) != 0 || usual < 1048576)
        return pthread_attr_setstacksize(attributes, 1048576) == 0;
    return true;
}

/* pthread_create says EAGAIN whether the stack or the number of threads was too large: ask for the memory itself. */
static bool can_map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    munmap(memory, size);
    return true;
}

thrum_status thrum__port_thread_start(void *arg, size_t stack_size)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t ours, before;
    thrum_status status = THRUM_INVALID;
    beginning *told = (beginning *)thrum__port_allocate(sizeof *told);
    if (!told)
        return THRUM_NO_MEMORY;
    int error = pthread_attr_init(&attributes);
    if (error != 0) {
        thrum__port_free(told);
        thrum__posix_fail(error);
        return THRUM_NO_MEMORY;
    }
    if (!set_stack(&attributes, stack_size)) {
        thrum__posix_fail(EINVAL);
        goto done;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);

    /* Blocked before the thread exists: it inherits the mask, and there is no instant at which it could be given one.
     */
    thrum__posix_signal_mask(&ours);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    *told = (beginning){arg, kept_from(&ours, &before)};
    error = pthread_create(&thread, &attributes, began, told);
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (error == 0) {
        status = THRUM_OK;
        goto done;
    }
    thrum__posix_fail(error);
    if (stack_size == 0 || can_map(stack_size))
        status = error == ENOMEM ? THRUM_NO_MEMORY : THRUM_NO_THREADS;
done:
    if (status != THRUM_OK)
        thrum__port_free(told);
    pthread_attr_destroy(&attributes);
    return status;
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

void thrum__port_name_thread(uintptr_t handle, const char *name)
{
#if defined(THRUM_HAVE_SETNAME_LINUX)
    char cut[16]; /* what the kernel keeps */
    size_t length = strnlen(name, sizeof cut - 1);
    while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80)
        length--; /* not within a character */
    memcpy(cut, name, length);
    cut[length] = 0;
    pthread_setname_np((pthread_t)handle, cut);
#elif defined(THRUM_HAVE_SETNAME_MACOS)
    if (pthread_equal((pthread_t)handle, pthread_self()))
        pthread_setname_np(name);
#elif defined(THRUM_HAVE_SETNAME_NETBSD)
    pthread_setname_np((pthread_t)handle, "%s", (void *)name);
#elif defined(THRUM_HAVE_SET_NAME_NP)
    pthread_set_name_np((pthread_t)handle, name);
#else
    (void)handle;
    (void)name;
#endif
}

/* ---- Fork --------------------------------------------------------------------------------------------------------- */

/*
 * Signals are blocked across a fork, so that none is handled in a child that is not one yet. Only one thread at a time
 * is between before_fork and after it: fork_prepare takes locks.
 *
 * The handlers are registered when thrum is loaded: those that the program registers later run before ours do, and
 * after ours are over, and may use thrum.
 */
static void *core; /* atomic: the upcalls, once thrum has begun */
static sigset_t mask_at_fork;
THREAD_LOCAL bool is_forking;

static const thrum__port_upcalls *upcalls_now(void)
{
    return (const thrum__port_upcalls *)thrum__load_pointer_acquire(&core);
}

bool thrum__posix_has_begun(void)
{
    return upcalls_now() != NULL;
}

static void before_fork(void)
{
    sigset_t all, before;
    if (!upcalls_now() && !thrum__posix_begun_or_held())
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    is_forking = true;
    upcalls_now()->fork_prepare();
    mask_at_fork = before;
}

static void after_fork_in_parent(void)
{
    sigset_t before = mask_at_fork;
    thrum__posix_let_begin(false);
    if (!is_forking)
        return;
    is_forking = false;
    upcalls_now()->fork_parent();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void after_fork_in_child(void)
{
#if !defined(THRUM_HAVE_TGKILL)
    main_thread = pthread_self();
#endif
    thrum__posix_let_begin(true);
    if (!is_forking)
        return;
    is_forking = false;
    int cancel = thrum__posix_stop_cancel(); /* what gives back the parent's pipes is a cancellation point */
    sigset_t mask = without_kept(&mask_at_fork);
    kept_ = 0;
    is_ours = false;
    thrum__posix_signals_reborn();
    upcalls_now()->fork_child();
    thrum__posix_allow_cancel(cancel);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

__attribute__((constructor)) static void register_fork(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

bool thrum__port_start_mask(void *sigset)
{
    sigset_t now;
    if (pthread_sigmask(SIG_BLOCK, NULL, &now) != 0)
        return false;
    *(sigset_t *)sigset = without_kept(&now);
    return true;
}

/* ---- The beginning ------------------------------------------------------------------------------------------------- */

void thrum__port_begin(const thrum__port_upcalls *upcalls)
{
    thread_began = upcalls->thread_began;
    end_key_made = pthread_key_create(&end_key, end_round) == 0;
    thrum__posix_signals_begin(upcalls);
    thrum__store_pointer_release(&core,
                                 (void *)(uintptr_t)upcalls); /* a fork from here on waits until thrum has begun */
}
