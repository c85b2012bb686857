/* First fragments by their key -> what their later ones need: a table of sets, each with its newest in front. */
#ifndef FRAGMENT_TABLE_H
#define FRAGMENT_TABLE_H

#include "gate_core.h"

enum fragment_limit {
    FRAGMENT_SETS = 256, /* first fragments remembered: */
    FRAGMENT_WAYS = 16,  /* so many of each set; the oldest makes room. Packets on their way do not push each other out */
};

struct kept_fragment {
    struct gate_kept kept;
    u64 used;
};

/* The set that a key of this hash belongs in. */
GATE_INLINE struct kept_fragment *fragment_set(struct kept_fragment *table, u64 hash) {
    return &table[hash % FRAGMENT_SETS * FRAGMENT_WAYS];
}

/* The place of a key in its set; FRAGMENT_WAYS when it is not there. */
GATE_INLINE u32 fragment_way(const struct kept_fragment *set, const struct gate_fragment_key *key) {
    u32 way = 0;
    while (way < FRAGMENT_WAYS && (!set[way].used || __builtin_memcmp(&set[way].kept.key, key, sizeof *key))) way++;
    return way;
}

/* Fills in what was kept under the key; -1 when nothing was. */
GATE_INLINE int find_kept(const struct kept_fragment *set, struct gate_kept *kept) {
    u32 way = fragment_way(set, &kept->key);
    if (way == FRAGMENT_WAYS) return -1;
    *kept = set[way].kept;
    return 0;
}

GATE_INLINE void keep(struct kept_fragment *set, const struct gate_kept *kept) {
    u32 way = fragment_way(set, &kept->key);
    if (way == FRAGMENT_WAYS) way--;
    __builtin_memmove(set + 1, set, way * sizeof *set);
    set->kept = *kept;
    set->used = 1;
}

#endif
