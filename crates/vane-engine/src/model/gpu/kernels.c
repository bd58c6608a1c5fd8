/* A pass on a device: what `forward.rs` and `kernel/` do on the CPU.
 *
 * It is C that the device's own compiler compiles when a model is loaded, and a C compiler for tests. What its words
 * in capitals mean is said before it, by `cuda.h` or `metal.h`; for tests, by what stands in for a device
 * (`tests/gpu`). A kernel is a row of steps, each written EACH { ... }: all threads of a group take it, and none begins
 * the next one before all are through. Nothing else is shared between threads, and nothing is added atomically.
 *
 * Each number is computed in an order that depends on nothing beside its token: products as `kernel/portable.rs`
 * adds them, to the last bit; attention in spans of positions. `fmaf` stands where the CPU fuses, and the
 * compiler is told to fuse nothing else.
 *
 * A pointer says whose memory it points to: DEVICE, what GROUP shares, a thread's OWN, or what the kernel was GIVEN.
 * What uses EACH or GROUP_X takes WHERE, and is called with HERE.
 */
typedef signed char i8;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

/* Of a group. `device.rs` has as many. */
#define THREADS 128
/* As the CPU's: lanes of a sum, numbers that share a scale, tokens in a block of the cache. */
#define LANES 16
#define BLOCK 32
#define CACHE_BLOCK 32
/* Rows and tokens that a group multiplies. */
#define ROWS (THREADS / LANES)
#define TILE 8
/* Positions whose keys and values one group looks at. */
#define SPAN 512

enum { F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q4_K, Q5_K, Q6_K };

/* ---- Numbers ---- */

/* The smallest are found above one half: a device may take for zero what a float has in its last bits alone. */
INLINE float single_of_half(u16 packed) {
    u32 magnitude = packed & 0x7fffu;
    u32 small = bits_of(float_of_bits(0x3f000000u + magnitude) - 0.5f);
    u32 finite = magnitude < 0x400u ? small : (magnitude << 13) + (112u << 23);
    u32 bits = magnitude >= 0x7c00u ? 0x7f800000u | (magnitude << 13) : finite;
    return float_of_bits(bits | ((u32)(packed & 0x8000u) << 16));
}

/* To the nearest, ties to even; what is too large becomes the largest. */
INLINE u16 half_of_single(float single) {
    u32 sign = (bits_of(single) >> 16) & 0x8000u;
    float magnitude = fminf(fabsf(single), 65504.0f);
    u32 bits = bits_of(magnitude);
    u32 small = bits_of(magnitude + 0.5f) - bits_of(0.5f);
    u32 normal = (bits + 0xfffu + ((bits >> 13) & 1u) - (112u << 23)) >> 13;
    return (u16)((magnitude < 6.1035156e-5f ? small : normal) | sign);
}

/* The sum of all lanes, by halves. */
INLINE float fold_lanes(OWN float *sums) {
    for (u32 gap = LANES / 2; gap > 0; gap /= 2) {
        for (u32 lane = 0; lane < gap; lane++) sums[lane] += sums[lane + gap];
    }
    return sums[0];
}

/* The same of lanes that threads have put together. */
INLINE float fold_shared(GROUP const float *lanes) {
    float sums[LANES];
    for (u32 lane = 0; lane < LANES; lane++) sums[lane] = lanes[lane];
    return fold_lanes(sums);
}

/* The sum of what each thread has, by halves, in the first place. */
INLINE void fold_threads(WHERE GROUP float *sums) {
    for (u32 gap = THREADS / 2; gap > 0; gap /= 2) {
        EACH {
            if (rank < gap) sums[rank] += sums[rank + gap];
        }
    }
}

/* ---- Norms and small integers ---- */

struct Norm {
    DEVICE const float *in;
    DEVICE const float *weight;
    DEVICE float *out;
    /* Which rows of `in` come out; one after the other where it is null. */
    DEVICE const u32 *chosen;
    u32 columns;
    float epsilon;
};

/* A group for each row that comes out. */
KERNEL(norm, Norm) {
    SHARED float sums[THREADS];
    u32 row = a.chosen ? a.chosen[GROUP_X] : GROUP_X;
    DEVICE const float *in = a.in + (u64)row * a.columns;
    DEVICE float *out = a.out + (u64)GROUP_X * a.columns;
    EACH {
        float sum = 0.0f;
        for (u32 n = rank; n < a.columns; n += THREADS) sum += in[n] * in[n];
        sums[rank] = sum;
    }
    fold_threads(HERE sums);
    float scale = 1.0f / sqrtf(sums[0] / (float)a.columns + a.epsilon);
    EACH {
        for (u32 n = rank; n < a.columns; n += THREADS) out[n] = a.weight[n] * (in[n] * scale);
    }
}

struct Quantise {
    DEVICE const float *in;
    DEVICE i8 *quants;
    DEVICE float *scales;
    /* The scaled sum of each block. */
    DEVICE float *weighed;
    u32 blocks;
};

/* A thread for each block. */
KERNEL(quantise, Quantise) {
    EACH {
        u32 block = GROUP_X * THREADS + rank;
        if (block >= a.blocks) continue;
        DEVICE const float *in = a.in + (u64)block * BLOCK;
        u32 largest = 0;
        for (u32 n = 0; n < BLOCK; n++) {
            u32 magnitude = bits_of(in[n]) & 0x7fffffffu;
            largest = magnitude > largest ? magnitude : largest;
        }
        float scale = float_of_bits(largest) / 127.0f;
        float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
        int sum = 0;
        for (u32 n = 0; n < BLOCK; n++) {
            /* Adding this rounds to whole numbers. What is none is zero. */
            float whole = (in[n] * inverse + 12582912.0f) - 12582912.0f;
            int quant = fabsf(whole) <= 127.0f ? (int)whole : 0;
            a.quants[(u64)block * BLOCK + n] = (i8)quant;
            sum += quant;
        }
        a.scales[block] = scale;
        a.weighed[block] = scale * (float)sum;
    }
}

/* ---- Products ---- */

struct Multiply {
    DEVICE const u8 *weight;
    DEVICE const float *floats;
    /* The same as `floats`, as integers. */
    DEVICE const i8 *quants;
    DEVICE const float *scales;
    DEVICE const float *weighed;
    /* A row of `rows` numbers for each token. */
    DEVICE float *out;
    u64 row_bytes;
    u32 rows;
    u32 columns;
    u32 tokens;
    /* Whether products are added to what is there. */
    u32 adds;
};

/* Four bytes that begin at an even address. */
INLINE u32 four(DEVICE const u8 *at) {
    DEVICE const u16 *halves = (DEVICE const u16 *)at;
    return halves[0] | ((u32)halves[1] << 16);
}

/* Each of four bytes below 128, less as much. */
INLINE u32 less(u32 four, u32 each) { return ((four | 0x80808080u) - each) ^ 0x80808080u; }

INLINE float half_at(DEVICE const u8 *at) { return single_of_half(*(DEVICE const u16 *)at); }

/* 32 numbers of a row: each is scale * quant + bias, in the first half times `first`, in the second times `second`. */
struct Weights {
    int quants[BLOCK / 4];
    float scale;
    float bias;
    int first;
    int second;
};

/* Scales and minima of a K block have six bits each, in twelve bytes. */
INLINE void scales_of_k(DEVICE const u8 *super, u32 group, OWN struct Weights *to) {
    DEVICE const u8 *packed = super + 4;
    u32 scale, least;
    if (group < 4) {
        scale = packed[group] & 63u;
        least = packed[group + 4] & 63u;
    } else {
        scale = (packed[group + 4] & 15u) | ((u32)(packed[group - 4] >> 6) << 4);
        least = (u32)(packed[group + 4] >> 4) | ((u32)(packed[group] >> 6) << 4);
    }
    to->scale = half_at(super) * (float)scale;
    to->bias = -half_at(super + 2) * (float)least;
}

INLINE void unpack(int format, DEVICE const u8 *row, u32 block, OWN struct Weights *to) {
    u32 group = block % 8;
    to->first = to->second = 1;
    to->bias = 0.0f;
    if (format == Q8_0) {
        DEVICE const u8 *at = row + (u64)block * 34;
        to->scale = half_at(at);
        for (u32 n = 0; n < 8; n++) to->quants[n] = (int)four(at + 2 + 4 * n);
    } else if (format == Q4_0) {
        DEVICE const u8 *at = row + (u64)block * 18;
        to->scale = half_at(at);
        for (u32 n = 0; n < 4; n++) {
            u32 both = four(at + 2 + 4 * n);
            to->quants[n] = (int)less(both & 0x0f0f0f0fu, 0x08080808u);
            to->quants[n + 4] = (int)less((both >> 4) & 0x0f0f0f0fu, 0x08080808u);
        }
    } else if (format == Q4_1) {
        DEVICE const u8 *at = row + (u64)block * 20;
        to->scale = half_at(at);
        to->bias = half_at(at + 2);
        for (u32 n = 0; n < 4; n++) {
            u32 both = four(at + 4 + 4 * n);
            to->quants[n] = (int)(both & 0x0f0f0f0fu);
            to->quants[n + 4] = (int)((both >> 4) & 0x0f0f0f0fu);
        }
    } else if (format == Q4_K || format == Q5_K) {
        DEVICE const u8 *super = row + (u64)(block / 8) * (format == Q4_K ? 144 : 176);
        DEVICE const u8 *low = super + (format == Q4_K ? 16 : 48) + 32 * (group / 2);
        scales_of_k(super, group, to);
        for (u32 n = 0; n < 8; n++) {
            u32 quants = (four(low + 4 * n) >> (group % 2 * 4)) & 0x0f0f0f0fu;
            if (format == Q5_K) quants |= ((four(super + 16 + 4 * n) >> group) & 0x01010101u) << 4;
            to->quants[n] = (int)quants;
        }
    } else {
        DEVICE const u8 *super = row + (u64)(block / 8) * 210;
        DEVICE const u8 *low = super + 64 * (group / 4) + 32 * (group % 2);
        DEVICE const u8 *high = super + 128 + 32 * (group / 4);
        to->scale = half_at(super + 208);
        to->first = (i8)super[192 + 2 * group];
        to->second = (i8)super[193 + 2 * group];
        for (u32 n = 0; n < 8; n++) {
            u32 quants = (four(low + 4 * n) >> (group % 4 / 2 * 4)) & 0x0f0f0f0fu;
            quants |= ((four(high + 4 * n) >> (group % 4 * 2)) & 0x03030303u) << 4;
            to->quants[n] = (int)less(quants, 0x20202020u);
        }
    }
}

/* What the lanes of a row and a token have, and what is left of the row, in its place. */
INLINE void settle(GIVEN const struct Multiply *a, u32 row, u32 token, float product) {
    DEVICE float *out = a->out + (u64)token * a->rows + row;
    *out = a->adds ? *out + product : product;
}

/* A group for each so many rows and tokens. Lane n has blocks n, n + 16, ... of its row. */
INLINE void multiply_quants(WHERE int format, GIVEN const struct Multiply *a, GROUP float (*lanes)[TILE][LANES]) {
    u32 blocks = a->columns / BLOCK, first = GROUP_Y * TILE;
    u32 many = a->tokens - first < TILE ? a->tokens - first : TILE;
    EACH {
        u32 row = GROUP_X * ROWS + rank / LANES, lane = rank % LANES;
        if (row >= a->rows) continue;
        float sums[TILE] = {0.0f};
        for (u32 block = lane; block < blocks; block += LANES) {
            struct Weights weights;
            unpack(format, a->weight + row * a->row_bytes, block, &weights);
#pragma unroll
            for (u32 token = 0; token < TILE; token++) {
                if (token >= many) continue;
                u64 at = (u64)(first + token) * blocks + block;
                DEVICE const int *quants = (DEVICE const int *)(a->quants + at * BLOCK);
                int one = 0, two = 0;
                for (u32 n = 0; n < 4; n++) one = dot_four(weights.quants[n], quants[n], one);
                for (u32 n = 4; n < 8; n++) two = dot_four(weights.quants[n], quants[n], two);
                int whole = weights.first * one + weights.second * two;
                sums[token] = fmaf((float)whole, weights.scale * a->scales[at], sums[token]);
                if (format == Q4_1 || format == Q4_K || format == Q5_K) {
                    sums[token] = fmaf(weights.bias, a->weighed[at], sums[token]);
                }
            }
        }
        for (u32 token = 0; token < TILE; token++) lanes[rank / LANES][token][lane] = sums[token];
    }
    EACH {
        u32 row = GROUP_X * ROWS + rank / TILE, token = rank % TILE;
        if (rank >= ROWS * TILE || row >= a->rows || token >= many) continue;
        settle(a, row, first + token, fold_shared(lanes[rank / TILE][token]));
    }
}

INLINE float number(int format, DEVICE const u8 *row, u32 n) {
    if (format == F32) return ((DEVICE const float *)row)[n];
    u16 packed = ((DEVICE const u16 *)row)[n];
    return format == F16 ? single_of_half(packed) : float_of_bits((u32)packed << 16);
}

/* As above: lane n has numbers n, n + 16, ...; what is left of 16 is added last, one after the other. */
INLINE void multiply_floats(WHERE int format, GIVEN const struct Multiply *a, GROUP float (*lanes)[TILE][LANES]) {
    u32 whole = a->columns / LANES * LANES, first = GROUP_Y * TILE;
    u32 many = a->tokens - first < TILE ? a->tokens - first : TILE;
    EACH {
        u32 row = GROUP_X * ROWS + rank / LANES, lane = rank % LANES;
        if (row >= a->rows) continue;
        float sums[TILE] = {0.0f};
        for (u32 n = lane; n < whole; n += LANES) {
            float weight = number(format, a->weight + row * a->row_bytes, n);
#pragma unroll
            for (u32 token = 0; token < TILE; token++) {
                if (token >= many) continue;
                sums[token] = fmaf(weight, a->floats[(u64)(first + token) * a->columns + n], sums[token]);
            }
        }
        for (u32 token = 0; token < TILE; token++) lanes[rank / LANES][token][lane] = sums[token];
    }
    EACH {
        u32 row = GROUP_X * ROWS + rank / TILE, token = rank % TILE;
        if (rank >= ROWS * TILE || row >= a->rows || token >= many) continue;
        float sum = fold_shared(lanes[rank / TILE][token]);
        for (u32 n = whole; n < a->columns; n++) {
            float weight = number(format, a->weight + row * a->row_bytes, n);
            sum = fmaf(weight, a->floats[(u64)(first + token) * a->columns + n], sum);
        }
        settle(a, row, first + token, sum);
    }
}

/* What threads share stands in the kernel itself: not every language has it elsewhere. */
#define MULTIPLY(name, how, format)               \
    KERNEL(name, Multiply) {                      \
        SHARED float lanes[ROWS][TILE][LANES];    \
        how(HERE format, &a, lanes);              \
    }

MULTIPLY(multiply_f32, multiply_floats, F32)
MULTIPLY(multiply_f16, multiply_floats, F16)
MULTIPLY(multiply_bf16, multiply_floats, BF16)
MULTIPLY(multiply_q8_0, multiply_quants, Q8_0)
MULTIPLY(multiply_q4_0, multiply_quants, Q4_0)
MULTIPLY(multiply_q4_1, multiply_quants, Q4_1)
MULTIPLY(multiply_q4_k, multiply_quants, Q4_K)
MULTIPLY(multiply_q5_k, multiply_quants, Q5_K)
MULTIPLY(multiply_q6_k, multiply_quants, Q6_K)

struct Gate {
    DEVICE const float *gate;
    DEVICE const float *up;
    DEVICE float *out;
    u32 numbers;
};

/* A thread for each number. */
KERNEL(gate, Gate) {
    EACH {
        u32 n = GROUP_X * THREADS + rank;
        if (n >= a.numbers) continue;
        a.out[n] = a.gate[n] / (1.0f + expf(-a.gate[n])) * a.up[n];
    }
}

/* ---- Attention ---- */

/* The tokens of a pass, and where their sequences' keys and values lie. */
struct Steps {
    DEVICE const u32 *positions;
    /* The blocks of a token's sequence begin here in `tables`. */
    DEVICE const u32 *starts;
    DEVICE const u32 *tables;
    /* Cosine and sine of each pair of numbers of a head. */
    DEVICE const float *angles;
};

/* Blocks as `cache.rs` lays them out: by layer, keys before values, by head, by token. */
struct Cells {
    DEVICE u8 *cells;
    u32 halves;
    u32 layer;
    u32 layers;
    u32 heads;
    u32 head_size;
    u32 neighbours;
};

/* Where the keys, or the values, of one head at one position begin. */
INLINE u64 cell_at(GIVEN const struct Steps *steps, GIVEN const struct Cells *cells, u32 token, u32 position,
                   u32 head, u32 values) {
    u64 block = steps->tables[steps->starts[token] + position / CACHE_BLOCK];
    u64 run = ((block * cells->layers + cells->layer) * 2 + values) * cells->heads + head;
    return (run * CACHE_BLOCK + position % CACHE_BLOCK) * cells->head_size;
}

INLINE float read_cell(GIVEN const struct Cells *cells, u64 at) {
    if (cells->halves) return single_of_half(((DEVICE const u16 *)cells->cells)[at]);
    return ((DEVICE const float *)cells->cells)[at];
}

INLINE void write_cell(GIVEN const struct Cells *cells, u64 at, float number) {
    if (cells->halves) {
        ((DEVICE u16 *)cells->cells)[at] = half_of_single(number);
    } else {
        ((DEVICE float *)cells->cells)[at] = number;
    }
}

struct Turn {
    struct Steps steps;
    struct Cells cells;
    DEVICE float *queries;
    DEVICE const float *keys;
    DEVICE const float *values;
    /* Of queries. */
    u32 heads;
    u32 tokens;
};

/* Turns queries in place, and keys on their way into the cache, where values go as they are: a thread for each
 * pair of numbers of each head of each token. */
KERNEL(turn, Turn) {
    EACH {
        u32 pairs = a.cells.head_size / 2, heads = a.heads + a.cells.heads;
        u64 at = (u64)GROUP_X * THREADS + rank;
        if (at >= (u64)a.tokens * heads * pairs) continue;
        u32 pair = (u32)(at % pairs), head = (u32)(at / pairs % heads), token = (u32)(at / pairs / heads);
        u32 first = a.cells.neighbours ? 2 * pair : pair, second = a.cells.neighbours ? first + 1 : first + pairs;
        float cosine = a.steps.angles[((u64)token * pairs + pair) * 2];
        float sine = a.steps.angles[((u64)token * pairs + pair) * 2 + 1];
        if (head < a.heads) {
            DEVICE float *query = a.queries + ((u64)token * a.heads + head) * a.cells.head_size;
            float x = query[first], y = query[second];
            query[first] = x * cosine - y * sine;
            query[second] = x * sine + y * cosine;
            continue;
        }
        head -= a.heads;
        u64 from = ((u64)token * a.cells.heads + head) * a.cells.head_size;
        float x = a.keys[from + first], y = a.keys[from + second];
        u64 key = cell_at(&a.steps, &a.cells, token, a.steps.positions[token], head, 0);
        u64 value = cell_at(&a.steps, &a.cells, token, a.steps.positions[token], head, 1);
        write_cell(&a.cells, key + first, x * cosine - y * sine);
        write_cell(&a.cells, key + second, x * sine + y * cosine);
        write_cell(&a.cells, value + first, a.values[from + first]);
        write_cell(&a.cells, value + second, a.values[from + second]);
    }
}

struct Attend {
    struct Steps steps;
    struct Cells cells;
    DEVICE const float *queries;
    /* For each token, head and span: the largest score, the sum of weights, and so many weighed values. */
    DEVICE float *parts;
    DEVICE float *out;
    /* Of queries. */
    u32 heads;
    /* Key j is seen from i if i - j is less than this; zero is all. */
    u32 window;
    /* The most that a token of this pass has. */
    u32 spans;
};

INLINE u32 first_seen(GIVEN const struct Attend *a, u32 end) {
    return a->window && end > a->window ? end - a->window : 0;
}

INLINE DEVICE float *part_of(GIVEN const struct Attend *a, u32 token, u32 head, u32 span) {
    return a->parts + (((u64)token * a->heads + head) * a->spans + span) * (a->cells.head_size + 2);
}

/* A query with a key, in the order of products. */
INLINE float dot_key(GIVEN const struct Cells *cells, DEVICE const float *query, u64 key) {
    float lanes[LANES] = {0.0f};
    u32 whole = cells->head_size / LANES * LANES;
    for (u32 n = 0; n < whole; n += LANES) {
#pragma unroll
        for (u32 lane = 0; lane < LANES; lane++) {
            lanes[lane] = fmaf(query[n + lane], read_cell(cells, key + n + lane), lanes[lane]);
        }
    }
    float sum = fold_lanes(lanes);
    for (u32 n = whole; n < cells->head_size; n++) sum = fmaf(query[n], read_cell(cells, key + n), sum);
    return sum;
}

/* A group for each head, token and span of positions. */
KERNEL(attend, Attend) {
    SHARED float scores[SPAN];
    SHARED float most[THREADS];
    SHARED float sums[THREADS];
    u32 head = GROUP_X, token = GROUP_Y, size = a.cells.head_size;
    u32 end = a.steps.positions[token] + 1, start = first_seen(&a, end);
    u32 from = (start / SPAN + GROUP_Z) * SPAN, to = from + SPAN < end ? from + SPAN : end;
    from = from < start ? start : from;
    if (from >= to) return;
    u32 key_head = head / (a.heads / a.cells.heads);
    DEVICE const float *query = a.queries + ((u64)token * a.heads + head) * size;
    DEVICE float *part = part_of(&a, token, head, GROUP_Z);
    float scale = 1.0f / sqrtf((float)size);
    EACH {
        float largest = float_of_bits(0xff800000u);
        for (u32 at = from + rank; at < to; at += THREADS) {
            u64 key = cell_at(&a.steps, &a.cells, token, at, key_head, 0);
            float score = scale * dot_key(&a.cells, query, key);
            scores[at - from] = score;
            largest = fmaxf(largest, score);
        }
        most[rank] = largest;
    }
    for (u32 gap = THREADS / 2; gap > 0; gap /= 2) {
        EACH {
            if (rank < gap) most[rank] = fmaxf(most[rank], most[rank + gap]);
        }
    }
    EACH {
        float sum = 0.0f;
        for (u32 at = from + rank; at < to; at += THREADS) {
            float weight = expf(scores[at - from] - most[0]);
            scores[at - from] = weight;
            sum += weight;
        }
        sums[rank] = sum;
    }
    fold_threads(HERE sums);
    EACH {
        for (u32 n = rank; n < size; n += THREADS) {
            float sum = 0.0f;
            for (u32 at = from; at < to; at++) {
                u64 value = cell_at(&a.steps, &a.cells, token, at, key_head, 1);
                sum += scores[at - from] * read_cell(&a.cells, value + n);
            }
            part[2 + n] = sum;
        }
        if (rank == 0) {
            part[0] = most[0];
            part[1] = sums[0];
        }
    }
}

/* The spans of a head and a token become one, in their order: a group for each head and token. */
KERNEL(merge, Attend) {
    u32 head = GROUP_X, token = GROUP_Y, size = a.cells.head_size;
    u32 end = a.steps.positions[token] + 1;
    u32 spans = (end - 1) / SPAN - first_seen(&a, end) / SPAN + 1;
    EACH {
        float most = part_of(&a, token, head, 0)[0];
        for (u32 span = 1; span < spans; span++) most = fmaxf(most, part_of(&a, token, head, span)[0]);
        for (u32 n = rank; n < size; n += THREADS) {
            float sum = 0.0f, out = 0.0f;
            for (u32 span = 0; span < spans; span++) {
                DEVICE const float *part = part_of(&a, token, head, span);
                float weight = expf(part[0] - most);
                sum += weight * part[1];
                out += weight * part[2 + n];
            }
            a.out[((u64)token * a.heads + head) * size + n] = out / sum;
        }
    }
}
