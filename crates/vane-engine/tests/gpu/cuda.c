/* The kernels as C, which is what CUDA makes of them but for its own words. */
#include <math.h>
#include <string.h>

#include "stand_in.h"

typedef unsigned long long u64;

#define EACH EACH_IN_TURN
#define SHARED
#define DEVICE
#define GROUP
#define OWN
#define GIVEN
#define WHERE
#define HERE
#define INLINE static inline __attribute__((always_inline))
#define GROUP_X group[0]
#define GROUP_Y group[1]
#define GROUP_Z group[2]
#define KERNEL(name, Arguments)                                                                     \
    static void run_##name(const struct Arguments a);                                               \
    static void call_##name(const void *a) { run_##name(*(const struct Arguments *)a); }            \
    __attribute__((constructor)) static void know_##name(void) { know("vane_" #name, call_##name); } \
    static void run_##name(const struct Arguments a)

static unsigned bits_of(float number) {
    unsigned bits;
    memcpy(&bits, &number, 4);
    return bits;
}

static float float_of_bits(unsigned bits) {
    float number;
    memcpy(&number, &bits, 4);
    return number;
}

static int dot_four(int left, int right, int sum) {
    for (int n = 0; n < 4; n++) sum += (signed char)(left >> 8 * n) * (signed char)(right >> 8 * n);
    return sum;
}

#include "../../src/model/gpu/kernels.c"

_Static_assert(THREADS == STAND_IN_THREADS, "the order of threads is of so many");
