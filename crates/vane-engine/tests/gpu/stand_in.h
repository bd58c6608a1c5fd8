/* What `driver.c` and the kernels in either language tell each other. */
#pragma once

#define STAND_IN_THREADS 128

typedef void (*Kernel)(const void *arguments);

#ifdef __cplusplus
extern "C" {
#endif

void know(const char *name, Kernel kernel);

/* Which group runs, and how many kernels were started. */
extern __thread unsigned group[3];
extern __thread unsigned launches;

#ifdef __cplusplus
}
#endif

/* Forwards, backwards, or in strides, of which 37 has no part in common with the number of threads. */
static inline unsigned thread_of(unsigned turn) {
    switch (launches % 3) {
    case 0: return turn;
    case 1: return STAND_IN_THREADS - 1 - turn;
    default: return turn * 37 % STAND_IN_THREADS;
    }
}

/* All threads of a group take a step before any takes the next one. */
#define EACH_IN_TURN for (u32 turn = 0, rank; turn < THREADS && (rank = thread_of(turn), 1); turn++)
