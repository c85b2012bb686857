/* The kernel's BPF ring buffer -> slices, copied out in the shape that the native gate gives them.
 *
 * Documentation/bpf/ringbuf.rst: one producer position, one consumer position, records of a length word, a page
 * offset word and the data; the data area is mapped twice in a row, so that a record is never cut by its end.
 */
#ifndef RING_READER_H
#define RING_READER_H

#include "gate_core.h"

#define RING_BUSY 0x80000000u
#define RING_DISCARDED 0x40000000u

/* Moves whole records to `out` while there is room, and gives their places back to the kernel. Returns bytes written. */
static u64 read_ring(u64 *consumer, const u64 *producer, const u8 *data, u64 mask, u8 *out, u64 size) {
    u64 at = *consumer, used = 0, end = __atomic_load_n(producer, __ATOMIC_ACQUIRE);
    while (at < end) {
        const u8 *record = data + (at & mask);
        u32 word = __atomic_load_n((const u32 *)record, __ATOMIC_ACQUIRE);
        if (word & RING_BUSY) break; /* being written by another CPU */
        u64 length = word & ~RING_DISCARDED, padded = (length + 7) & ~7ULL;
        if (!(word & RING_DISCARDED)) {
            if (size - used < padded) break;
            __builtin_memcpy(out + used, record + 8, length);
            used += padded;
        }
        at += 8 + padded;
        __atomic_store_n(consumer, at, __ATOMIC_RELEASE);
    }
    return used;
}

#endif
