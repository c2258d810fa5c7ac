/* The inner loops of reading claims: hash lookup, runs of neighbours, dealing rows out to shards.
 *
 * Arrays in, arrays out; every function has a twin in in_numpy.py and is checked equal to it (tests/kernel). No Python
 * API: called through ctypes, which lets go of the interpreter's lock meanwhile. C99, no dependencies.
 */
#include <stdint.h>
#include <stddef.h>

#define API __attribute__((visibility("default")))
#define PREFETCH(address) __builtin_prefetch(address) /* gcc and clang */

#define VERSION 1 /* in_c.py asks for it: a library of another state is not used */
#define AHEAD 32 /* lookups under way at a time: each waits for memory twice */

API int32_t hcc_version(void) { return VERSION; }

/* Multiplicative hashing: the keys are hashes already, but of which quality is not ours to know. */
static inline uint64_t slot_of(uint64_t key, int32_t bits) {
    return (key * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - bits);
}

/* Fill slots (2^bits zeros, at least twice as many as keys) with positions + 1; of equal keys the first.
 * Returns how many keys are equal to an earlier one. */
API int64_t hcc_lookup_build(const uint64_t *keys, int64_t n, uint32_t *slots, int32_t bits) {
    const uint64_t mask = (UINT64_C(1) << bits) - 1;
    int64_t repeated = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n) PREFETCH(&slots[slot_of(keys[i + AHEAD], bits)]);
        uint64_t at = slot_of(keys[i], bits);
        while (slots[at] && keys[slots[at] - 1] != keys[i]) at = (at + 1) & mask;
        if (slots[at]) repeated++;
        else slots[at] = (uint32_t)(i + 1);
    }
    return repeated;
}

/* Position of each key asked for, -1 where it is not there. */
API void hcc_lookup_find(const uint64_t *keys, const uint32_t *slots, int32_t bits, const uint64_t *asked, int64_t n,
                         int32_t *found) {
    const uint64_t mask = (UINT64_C(1) << bits) - 1;
    uint64_t place[AHEAD];
    for (int64_t first = 0; first < n; first += AHEAD) {
        const int64_t some = n - first < AHEAD ? n - first : AHEAD;
        for (int64_t j = 0; j < some; j++) {
            place[j] = slot_of(asked[first + j], bits);
            PREFETCH(&slots[place[j]]);
        }
        for (int64_t j = 0; j < some; j++) {
            const uint32_t met = slots[place[j]];
            if (met) PREFETCH(&keys[met - 1]);
        }
        for (int64_t j = 0; j < some; j++) {
            const uint64_t key = asked[first + j];
            uint64_t at = place[j];
            while (slots[at] && keys[slots[at] - 1] != key) at = (at + 1) & mask;
            found[first + j] = (int32_t)slots[at] - 1;
        }
    }
}

/* Where runs of rows begin that are equal in both keys; returns their number. */
API int64_t hcc_run_starts(const uint64_t *first, const uint64_t *second, int64_t n, int64_t *starts) {
    int64_t runs = 0;
    for (int64_t i = 0; i < n; i++) {
        starts[runs] = i;
        runs += i == 0 || first[i] != first[i - 1] || second[i] != second[i - 1];
    }
    return runs;
}

/* The largest (or least) value of each run. One function a type: the compiler makes a tight loop of each. */
#define REDUCE(name, type, better)                                                                          \
    API void name(const type *values, int64_t n, const int64_t *starts, int64_t runs, type *out) {          \
        for (int64_t run = 0; run < runs; run++) {                                                          \
            const int64_t stop = run + 1 < runs ? starts[run + 1] : n;                                      \
            type best = values[starts[run]];                                                                \
            for (int64_t i = starts[run] + 1; i < stop; i++)                                                \
                if (values[i] better best) best = values[i];                                                \
            out[run] = best;                                                                                \
        }                                                                                                   \
    }
REDUCE(hcc_max_u64, uint64_t, >)
REDUCE(hcc_max_u32, uint32_t, >)
REDUCE(hcc_min_i8, int8_t, <)

/* Rows in the order of their shards (member >> bits), rows of one shard as they came. bounds: shards + 1 places. */
API void hcc_deal(const int32_t *member, int64_t n, int32_t bits, int64_t shards, int64_t *bounds, uint32_t *order) {
    for (int64_t i = 0; i <= shards; i++) bounds[i] = 0;
    for (int64_t i = 0; i < n; i++) bounds[(member[i] >> bits) + 1]++;
    for (int64_t i = 0; i < shards; i++) bounds[i + 1] += bounds[i];
    for (int64_t i = 0; i < n; i++) order[bounds[member[i] >> bits]++] = (uint32_t)i;
    for (int64_t i = shards; i > 0; i--) bounds[i] = bounds[i - 1];
    bounds[0] = 0;
}

#define TAKE(name, type)                                                                        \
    API void name(const type *values, const uint32_t *order, int64_t n, type *out) {            \
        for (int64_t i = 0; i < n; i++) out[i] = values[order[i]];                              \
    }
TAKE(hcc_take_8, uint64_t)
TAKE(hcc_take_4, uint32_t)
TAKE(hcc_take_2, uint16_t)
TAKE(hcc_take_1, uint8_t)

/* Diagnoses of runs (one claim each; starts, member of each, -1 unknown) to those that map (code < mapped) and others.
 *
 * size, theirs: mapped ones of each run, by whether the member is ours; code, code_member: those of ours. rows: met + 1
 * for every other code (less mapped); pair, pair_member: member << 16 | code of those of ours below 2^16. by_text: rows
 * left out of the mapped ones; may be NULL. counts: how many codes, how many pairs. */
API void hcc_split(const uint32_t *codes, int64_t n, const int64_t *starts, int64_t runs, const int32_t *member,
                   const uint8_t *by_text, uint32_t mapped, uint32_t *size, uint32_t *theirs, uint16_t *code,
                   int32_t *code_member, int64_t *rows, uint32_t *pair, int32_t *pair_member, int64_t *counts) {
    int64_t here = 0, pairs = 0;
    for (int64_t run = 0; run < runs; run++) {
        const int64_t stop = run + 1 < runs ? starts[run + 1] : n;
        const int32_t who = member[run];
        uint32_t met = 0;
        for (int64_t i = starts[run]; i < stop; i++) {
            const uint32_t one = codes[i];
            if (one >= mapped) {
                rows[one - mapped]++;
                pair[pairs] = (uint32_t)who << 16 | (one - mapped);
                pair_member[pairs] = who;
                pairs += who >= 0 && one - mapped < 65536;
            } else if (!by_text || !by_text[i]) {
                met++;
                code[here] = (uint16_t)one;
                code_member[here] = who;
                here += who >= 0;
            }
        }
        size[run] = who >= 0 ? met : 0;
        theirs[run] = who >= 0 ? 0 : met;
    }
    counts[0] = here;
    counts[1] = pairs;
}
