/* What the words of `kernels.c` mean in Metal's language, a C++14 in which every pointer says what it points to. */
#include <metal_stdlib>

/* What the CPU does not fuse is not fused, and nothing is put in another order. Not all versions know both words. */
#pragma METAL fp math_mode(safe)
#pragma METAL fp contract(off)
#pragma clang fp contract(off)

typedef ulong u64;

#define KERNEL(name, Arguments)                                                                     \
    [[kernel, max_total_threads_per_threadgroup(THREADS)]] void vane_##name(                        \
        constant struct Arguments &a [[buffer(0)]], uint3 place [[threadgroup_position_in_grid]],   \
        uint own [[thread_index_in_threadgroup]])
#define INLINE static inline __attribute__((always_inline))
#define DEVICE device
#define GROUP threadgroup
#define OWN thread
#define GIVEN constant
/* Where a thread is, only the kernel itself is told. */
#define WHERE uint3 place, uint own,
#define HERE place, own,
#define SHARED threadgroup
#define EACH                                                                                        \
    for (u32 rank = own, once = 1; once;                                                            \
         once = 0, metal::threadgroup_barrier(metal::mem_flags::mem_device | metal::mem_flags::mem_threadgroup))
#define GROUP_X place.x
#define GROUP_Y place.y
#define GROUP_Z place.z
#define bits_of(number) as_type<uint>(number)
#define float_of_bits(bits) as_type<float>(bits)
#define fabsf metal::fabs
#define fmaxf metal::fmax
#define fminf metal::fmin
#define fmaf metal::fma
#define sqrtf metal::precise::sqrt
#define expf metal::precise::exp

static inline int dot_four(int left, int right, int sum) {
    char4 l = as_type<char4>(left), r = as_type<char4>(right);
    return sum + l.x * r.x + l.y * r.y + l.z * r.z + l.w * r.w;
}
#line 1 "kernels.c"
