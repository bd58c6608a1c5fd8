/* The kernels in the words of Metal's language (`metal.h`), compiled as the C++ that it is. Only what a step is differs:
 * threads take it one after the other.
 */
#include <string.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "stand_in.h"

#include "../../src/model/gpu/metal.h"

#ifdef KINDS_OF_MEMORY
/* Only what is static may lie in memory of another kind there. */
#undef SHARED
#define SHARED static threadgroup
#endif

/* As it is, steps and all: compiled, and never run. */
namespace as_it_is {
#include "../../src/model/gpu/kernels.c"
}

#ifndef KINDS_OF_MEMORY
#undef EACH
#define EACH EACH_IN_TURN

namespace in_turn {
#include "../../src/model/gpu/kernels.c"
}

static_assert(THREADS == STAND_IN_THREADS, "the order of threads is of so many");

#ifdef __SSE__
/* Floats that have their last bits alone are zero, before and after: a device may do so. */
static unsigned without_smallest() {
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    return before;
}

static void as_before(unsigned before) { _mm_setcsr(before); }
#else
static unsigned without_smallest() { return 0; }
static void as_before(unsigned) {}
#endif

template <class Arguments, void (*kernel)(Arguments &, uint3, uint)>
static void call(const void *given) {
    Arguments arguments;
    memcpy(&arguments, given, sizeof arguments);
    unsigned before = without_smallest();
    kernel(arguments, uint3{group[0], group[1], group[2]}, 0);
    as_before(before);
}

#define KNOW(name, Arguments) know("vane_" #name, call<in_turn::Arguments, in_turn::vane_##name>)

__attribute__((constructor)) static void know_all() {
    KNOW(norm, Norm);
    KNOW(quantise, Quantise);
    KNOW(multiply_f32, Multiply);
    KNOW(multiply_f16, Multiply);
    KNOW(multiply_bf16, Multiply);
    KNOW(multiply_q8_0, Multiply);
    KNOW(multiply_q4_0, Multiply);
    KNOW(multiply_q4_1, Multiply);
    KNOW(multiply_q4_k, Multiply);
    KNOW(multiply_q5_k, Multiply);
    KNOW(multiply_q6_k, Multiply);
    KNOW(gate, Gate);
    KNOW(turn, Turn);
    KNOW(attend, Attend);
    KNOW(merge, Attend);
}
#endif
