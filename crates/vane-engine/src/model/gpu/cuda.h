/* What the words of `kernels.c` mean in CUDA's C++. */
typedef unsigned long long u64;

#define KERNEL(name, Arguments) extern "C" __global__ void __launch_bounds__(THREADS) vane_##name(const struct Arguments a)
#define INLINE static __device__ __forceinline__
/* Kinds of memory are not told apart, and where a thread is, it knows itself. */
#define DEVICE
#define GROUP
#define OWN
#define GIVEN
#define WHERE
#define HERE
#define SHARED __shared__
#define EACH for (u32 rank = threadIdx.x, once = 1; once; once = 0, __syncthreads())
#define GROUP_X blockIdx.x
#define GROUP_Y blockIdx.y
#define GROUP_Z blockIdx.z
#define bits_of(number) __float_as_uint(number)
#define float_of_bits(bits) __uint_as_float(bits)
#define dot_four(left, right, sum) __dp4a(left, right, sum)
#line 1 "kernels.c"
