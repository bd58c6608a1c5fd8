/* A stand-in for a device, for tests on machines that have none: as much of CUDA's driver (libcuda.so.1) and of NVRTC as
 * `src/model/gpu/cuda.rs` calls. Its kernels are `cuda.c`, or `metal.cc` for what they are in Metal's language: one host
 * starts either. Memory of the device is memory of the process, so that a sanitizer sees what a kernel reads and writes
 * beyond it.
 *
 * Groups of a kernel run one after the other, and so do the threads of each step, in another order with each launch:
 * what would depend on that order is told by the tests. It says nothing of speed, of what the device's own compiler
 * makes of the kernels, nor of its own `expf`.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "stand_in.h"

__thread unsigned group[3];
__thread unsigned launches;

static struct {
    const char *name;
    Kernel kernel;
} known[32];
static int known_count;

void know(const char *name, Kernel kernel) {
    known[known_count].name = name;
    known[known_count++].kernel = kernel;
}

/* ---- The driver ---- */

enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_FOUND = 500 };
/* Attributes that are asked for. */
enum { MAJOR = 75, MINOR = 76, POOLS = 115 };

#define MEMORY ((size_t)1 << 30)

struct image {
    char *bytes;
    size_t size;
};

static char context;
static __thread void *current;

int cuInit(unsigned flags) { return flags ? INVALID_VALUE : SUCCESS; }

int cuDeviceGetCount(int *count) {
    *count = 1;
    return SUCCESS;
}

int cuDeviceGet(int *device, int number) {
    *device = 0;
    return number ? INVALID_VALUE : SUCCESS;
}

int cuDeviceGetName(char *name, int len, int device) {
    (void)device;
    strncpy(name, "a stand-in on the CPU", (size_t)len);
    return SUCCESS;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    *value = attribute == MAJOR ? 9 : 0;
    return attribute == MAJOR || attribute == MINOR || attribute == POOLS ? SUCCESS : INVALID_VALUE;
}

int cuDevicePrimaryCtxRetain(void **out, int device) {
    (void)device;
    *out = &context;
    return SUCCESS;
}

int cuDevicePrimaryCtxRelease_v2(int device) {
    (void)device;
    return SUCCESS;
}

int cuCtxGetCurrent(void **out) {
    *out = current;
    return SUCCESS;
}

int cuCtxSetCurrent(void *to) {
    current = to;
    return SUCCESS;
}

int cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
    *free_bytes = *total = MEMORY;
    return SUCCESS;
}

int cuMemAlloc_v2(void **out, size_t bytes) {
    if (!bytes) return INVALID_VALUE;
    if (bytes > MEMORY || !(*out = malloc(bytes))) return OUT_OF_MEMORY;
    /* Numbers that nobody wrote are none. */
    memset(*out, 0xff, bytes);
    return SUCCESS;
}

int cuMemFree_v2(void *memory) {
    free(memory);
    return SUCCESS;
}

int cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t bytes, void *stream) {
    (void)stream;
    memcpy(to, from, bytes);
    return SUCCESS;
}

int cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t bytes, void *stream) {
    return cuMemcpyHtoDAsync_v2(to, from, bytes, stream);
}

int cuStreamSynchronize(void *stream) {
    (void)stream;
    return SUCCESS;
}

/* What NVRTC below made, or a real one, whose code is a file of ELF: it must have the kernels that are asked for. */
int cuModuleLoadData(void **module, const void *image) {
    const unsigned char *bytes = image;
    unsigned long long sections;
    unsigned short size, count;
    struct image *copy = malloc(sizeof *copy);
    copy->size = strlen(image);
    if (!memcmp(bytes, "\177ELF", 4)) {
        memcpy(&sections, bytes + 0x28, 8);
        memcpy(&size, bytes + 0x3a, 2);
        memcpy(&count, bytes + 0x3c, 2);
        copy->size = sections + (size_t)size * count;
    }
    copy->bytes = memcpy(malloc(copy->size + 1), image, copy->size);
    *module = copy;
    return SUCCESS;
}

int cuModuleUnload(void *module) {
    free(((struct image *)module)->bytes);
    free(module);
    return SUCCESS;
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
    const struct image *image = module;
    /* The source says `KERNEL(norm` or `MULTIPLY(multiply_f32` for what begins with `vane_`. */
    const char *short_name = name + strlen("vane_");
    if (!memmem(image->bytes, image->size, short_name, strlen(short_name))) return NOT_FOUND;
    for (int n = 0; n < known_count; n++) {
        if (strcmp(known[n].name, name)) continue;
        *function = (void *)known[n].kernel;
        return SUCCESS;
    }
    return NOT_FOUND;
}

int cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned threads_y, unsigned threads_z,
                   unsigned shared_bytes, void *stream, void **arguments, void **extra) {
    (void)stream;
    /* As devices have it. */
    if (!x || !y || !z || y > 65535 || z > 65535 || shared_bytes || extra) return INVALID_VALUE;
    if (current != &context || threads != STAND_IN_THREADS || threads_y != 1 || threads_z != 1) return INVALID_VALUE;
    launches++;
    for (group[2] = 0; group[2] < z; group[2]++) {
        for (group[1] = 0; group[1] < y; group[1]++) {
            for (group[0] = 0; group[0] < x; group[0]++) ((Kernel)function)(arguments[0]);
        }
    }
    return SUCCESS;
}

/* A real NVRTC asks the driver for a place to keep what it compiled. */
int cuGetExportTable(const void **table, const void *id) {
    (void)table, (void)id;
    return NOT_FOUND;
}

int cuGetErrorName(int error, const char **name) {
    *name = error == OUT_OF_MEMORY ? "OUT_OF_MEMORY" : "ERROR";
    return SUCCESS;
}

int cuGetErrorString(int error, const char **text) {
    *text = error == OUT_OF_MEMORY ? "out of memory" : "an error of the stand-in";
    return SUCCESS;
}

/* ---- NVRTC: the source itself is the code that it makes ---- */

int nvrtcCreateProgram(char **program, const char *source, const char *name, int headers, const char **texts, const char **names) {
    (void)name, (void)texts, (void)names;
    *program = strdup(source);
    return headers ? 1 : SUCCESS;
}

/* Without this one, products would not be those of the CPU. */
int nvrtcCompileProgram(char *program, int count, const char **options) {
    (void)program;
    for (int n = 0; n < count; n++) {
        if (!strcmp(options[n], "--fmad=false")) return SUCCESS;
    }
    return 5;
}

int nvrtcGetCUBINSize(char *program, size_t *size) {
    *size = strlen(program) + 1;
    return SUCCESS;
}

int nvrtcGetCUBIN(char *program, char *to) {
    strcpy(to, program);
    return SUCCESS;
}

int nvrtcGetProgramLogSize(char *program, size_t *size) {
    (void)program;
    *size = 1;
    return SUCCESS;
}

int nvrtcGetProgramLog(char *program, char *to) {
    (void)program;
    *to = 0;
    return SUCCESS;
}

int nvrtcDestroyProgram(char **program) {
    free(*program);
    return SUCCESS;
}
