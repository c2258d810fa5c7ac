/* The inner loops: hash lookup, runs of neighbours, dealing rows out to shards; HCCs of members as sets of bits.
 *
 * Arrays in, arrays out; every function has a twin in in_numpy.py and is checked equal to it (tests/kernel). No Python
 * API: called through ctypes, which lets go of the interpreter's lock meanwhile. C99, no dependencies.
 */
#include <stdint.h>
#include <stddef.h>

#define API __attribute__((visibility("default")))
#define PREFETCH(address) __builtin_prefetch(address) /* gcc and clang */

#define VERSION 3 /* in_c.py asks for it: a library of another state is not used */
#define AHEAD 32 /* lookups under way at a time: each waits for memory twice */

API int32_t hcc_version(void) { return VERSION; }

/* Multiplicative hashing: the keys are hashes already, but of which quality is not ours to know. */
static inline uint64_t slot_of(uint64_t key, int32_t bits) {
    return (key * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - bits);
}

/* Fill slots (2^bits zeros, at least twice as many as keys) with positions + 1; of equal keys the first.
 * Returns how many keys are equal to an earlier one; again, first: where these stand and that first one (room for n). */
API int64_t hcc_lookup_build(const uint64_t *keys, int64_t n, uint32_t *slots, int32_t bits, uint32_t *again,
                             uint32_t *first) {
    const uint64_t mask = (UINT64_C(1) << bits) - 1;
    int64_t repeated = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i + AHEAD < n) PREFETCH(&slots[slot_of(keys[i + AHEAD], bits)]);
        uint64_t at = slot_of(keys[i], bits);
        while (slots[at] && keys[slots[at] - 1] != keys[i]) at = (at + 1) & mask;
        if (slots[at]) {
            again[repeated] = (uint32_t)i;
            first[repeated++] = slots[at] - 1;
        } else {
            slots[at] = (uint32_t)(i + 1);
        }
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

/* Runs of codes (size of each) to the records they met (met: -1 none). place: -1 for each of the records; becomes the
 * position of those with a run, in order, which used_record lists, and used_run one run of each. record, code_of: of the
 * codes whose run met one. Returns how many records are used; kept: how many codes. */
API int64_t hcc_join(const int32_t *met, const uint32_t *size, int64_t runs, const uint16_t *code, int64_t records,
                     int32_t *place, int64_t *used_record, int64_t *used_run, int64_t *record, uint16_t *code_of,
                     int64_t *kept) {
    int64_t used = 0, from = 0, to = 0;
    for (int64_t run = 0; run < runs; run++)
        if (met[run] >= 0) place[met[run]] = (int32_t)run;
    for (int64_t i = 0; i < records; i++) {
        if (place[i] < 0) continue;
        used_record[used] = i;
        used_run[used] = place[i];
        place[i] = (int32_t)used++;
    }
    for (int64_t run = 0; run < runs; run++) {
        const int64_t stop = from + size[run];
        if (met[run] < 0) {
            from = stop;
            continue;
        }
        const int64_t at = place[met[run]];
        for (; from < stop; from++) {
            record[to] = at;
            code_of[to++] = code[from];
        }
    }
    *kept = to;
    return used;
}

#define MOST_BITS 1024

/* Bits of a row: its code leads to up to `ways` slots; the person's edit class and the slot say which bit, or none. */
#define EACH_BIT(row, who, act)                                                                    \
    for (int32_t way = 0; way < ways; way++) {                                                     \
        const int16_t slot = slot_of_code[(int64_t)way * codes + code[row]];                       \
        if (slot < 0) continue;                                                                    \
        const int16_t bit = slot_bit[(int64_t)classes[who] * slots + slot];                        \
        if (bit >= 0) { act }                                                                      \
    }

/* Sets of HCC bits of persons (members from `start` on) from rows of codes, those with counted[row] only.
 *
 * Rows come by person. sets: persons x words, zeros at first. With out_member, out_bit and out_record (room for
 * n x ways): also every distinct person, bit, record, in that order; records of a person must ascend. Returns their
 * number, or -1 where rows are in another order or a person is out of range. */
API int64_t hcc_evidence(const uint8_t *counted, const uint32_t *record, const uint16_t *code, int64_t n,
                         const uint32_t *member_of, uint32_t start, int64_t persons, const int16_t *classes,
                         const int16_t *slot_of_code, int32_t ways, int64_t codes, const int16_t *slot_bit,
                         int64_t slots, int32_t words, uint64_t *sets, uint32_t *out_member, int16_t *out_bit,
                         uint32_t *out_record) {
    int64_t size[MOST_BITS] = {0}, at[MOST_BITS];
    uint32_t last[MOST_BITS];
    int64_t written = 0, before = -1;
    for (int64_t low = 0, high; low < n; low = high) {
        const uint32_t member = member_of[record[low]];
        const int64_t who = (int64_t)member - (int64_t)start;
        if (who <= before || who >= persons) return -1;
        before = who;
        uint64_t *set = sets + who * words;
        uint32_t previous = 0;
        for (high = low; high < n && member_of[record[high]] == member; high++) {
            if (record[high] < previous) return -1;
            previous = record[high];
            if (!counted[high]) continue;
            EACH_BIT(high, who, {
                set[bit >> 6] |= UINT64_C(1) << (bit & 63);
                if (!size[bit] || last[bit] != previous) {
                    size[bit]++;
                    last[bit] = previous;
                }
            })
        }
        for (int32_t word = 0; word < words; word++)
            for (uint64_t left = set[word]; left; left &= left - 1) {
                const int32_t bit = word * 64 + __builtin_ctzll(left);
                at[bit] = written;
                written += size[bit];
                size[bit] = 0;
            }
        if (!out_member) continue;
        for (int64_t row = low; row < high; row++) {
            if (!counted[row]) continue;
            EACH_BIT(row, who, {
                if (size[bit] && last[bit] == record[row]) continue;
                out_member[at[bit]] = (uint32_t)who;
                out_bit[at[bit]] = bit;
                out_record[at[bit]++] = last[bit] = record[row];
                size[bit] = 1;
            })
        }
        for (int32_t word = 0; word < words; word++)
            for (uint64_t left = set[word]; left; left &= left - 1) size[word * 64 + __builtin_ctzll(left)] = 0;
    }
    return written;
}

/* Sets without the children of the parents in them, every parent tested on the set as it was. drops: for each byte of
 * a set and each of its values the children (words); parents: those bits of each byte. */
API void hcc_drop(const uint64_t *sets, int64_t n, int32_t words, const uint64_t *drops, const uint8_t *parents,
                  uint64_t *kept) {
    const int32_t bytes = words * 8;
    for (int64_t row = 0; row < n; row++) {
        const uint64_t *set = sets + row * words;
        uint64_t *left = kept + row * words;
        for (int32_t word = 0; word < words; word++) left[word] = set[word];
        for (int32_t byte = 0; byte < bytes; byte++) {
            const uint8_t value = (uint8_t)(set[byte >> 3] >> (8 * (byte & 7)));
            if (!(value & parents[byte])) continue;
            const uint64_t *children = drops + ((int64_t)byte * 256 + value) * words;
            for (int32_t word = 0; word < words; word++) left[word] &= ~children[word];
        }
    }
}

/* Sums over the bits of each set: sums[kind of the row, byte, value of the byte]. */
API void hcc_totals(const uint64_t *sets, int64_t n, int32_t words, const int16_t *kind, const int32_t *sums,
                    int32_t *total) {
    const int32_t bytes = words * 8;
    for (int64_t row = 0; row < n; row++) {
        const int32_t *of_kind = sums + (int64_t)kind[row] * bytes * 256;
        int32_t sum = 0;
        for (int32_t word = 0; word < words; word++) {
            uint64_t left = sets[row * words + word];
            for (int32_t byte = word * 8; left; byte++, left >>= 8) sum += of_kind[byte * 256 + (left & 255)];
        }
        total[row] = sum;
    }
}
