/*
 * The machinery of THRUM_WITH and THRUM_SYNCHRONIZED: a `for` statement that runs its body once, with something
 * held. Programs use those two macros and not this header.
 *
 * GCC and Clang run a cleanup function however the scope is left; C++ has destructors. For other C compilers the
 * body stands in an inner loop, so that `break` and `continue` reach the outer loop's increment, which releases.
 */
#ifndef THRUM_WITH_H
#define THRUM_WITH_H

#include <thrum/status.h>

#define THRUM__JOIN_(a, b) a##b
#define THRUM__JOIN(a, b)  THRUM__JOIN_(a, b)
#define THRUM__UNIQUE      THRUM__JOIN(thrum__held_, __LINE__)

#if defined(__cplusplus)

template <class Object, class Result, Result (*Release)(Object *)>
class thrum__scope
{
  public:
    explicit thrum__scope(Object *object) : object_(object), once_(true)
    {
    }
    ~thrum__scope()
    {
        (void)Release(object_);
    }
    bool once()
    {
        bool now = once_;
        once_ = false;
        return now;
    }

  private:
    thrum__scope(const thrum__scope &);
    thrum__scope &operator=(const thrum__scope &);
    Object *object_;
    bool once_;
};

template <class Object>
inline Object *thrum__entered(void (*acquire)(Object *), Object *object)
{
    acquire(object);
    return object;
}

#define THRUM__SCOPE(type, acquire, release, object)                                                                   \
    for (thrum__scope<type, thrum_status, (release)> THRUM__UNIQUE(thrum__entered<type>((acquire), (object)));         \
         THRUM__UNIQUE.once();)

#elif defined(__GNUC__) || defined(__clang__)

typedef struct thrum__scope {
    void *object;
    bool ran;
} thrum__scope;

#define THRUM__SCOPE(type, acquire, release, held)                                                                     \
    for (thrum__scope THRUM__UNIQUE __attribute__((cleanup(type##__leave))) = type##__enter(held); !THRUM__UNIQUE.ran; \
         THRUM__UNIQUE.ran = true)

#else

typedef struct thrum__scope {
    void *object;
    bool ran;
} thrum__scope;

#define THRUM__SCOPE(type, acquire, release, held)                                                                     \
    for (thrum__scope THRUM__UNIQUE = type##__enter(held); THRUM__UNIQUE.object;                                       \
         type##__leave(&THRUM__UNIQUE), THRUM__UNIQUE.object = NULL)                                                   \
        for (; !THRUM__UNIQUE.ran; THRUM__UNIQUE.ran = true)

#endif

/* In C each type that has a scope says how it is entered and left. */
#if defined(__cplusplus)
#define THRUM__DEFINE_SCOPE(type, acquire, release)
#else
#define THRUM__DEFINE_SCOPE(type, acquire, release)                                                                    \
    static inline thrum__scope type##__enter(type *object)                                                             \
    {                                                                                                                  \
        thrum__scope scope = {object, false};                                                                          \
        acquire(object);                                                                                               \
        return scope;                                                                                                  \
    }                                                                                                                  \
    static inline void type##__leave(thrum__scope * scope)                                                             \
    {                                                                                                                  \
        (void)release((type *)scope->object);                                                                          \
    }
#endif

#endif
