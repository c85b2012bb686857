/* The gate over memory: a hash table around gate_core.h, and what Python calls through ctypes (agent/gate/native.py). */
#include <stdlib.h>

#include "gate_core.h"
#include "capture_file.h"
#include "fragment_table.h"
#include "gate_flow.h"
#include "gate_stages.h"
#include "packet_ring.h"
#include "ring_reader.h"

#define EXPORT __attribute__((visibility("default")))

enum native_limit {
    MAX_PERSONAL = 65536, /* addresses, in a table twice as large */
};

struct gate {
    struct gate_config config;
    struct gate_totals totals;
    void *row_block;
    struct gate_row *rows; /* in row_block, from a cache line's start */
    u64 *index;     /* open addressing: tag << 32 | slot + 1, 0 empty */
    u64 index_mask;
    u64 seed;       /* so that nobody can choose packets which collide */
    u32 *free_slots;
    u32 free_count;
    u32 high_water; /* rows from here on were never used */
    u32 personal_count;
    u8 (*personal)[16];
    struct kept_fragment *fragments;
    const u8 *data;
    u32 captured;
    const u8 *chunk; /* in the frame */
    u32 chunk_bytes;
    struct gate_packet packet;
    struct gate_piece piece;
    struct gate_kept kept;
    struct gate_slice slice;
    u8 *out;
    u64 out_size;
    u64 out_used;
    struct capture capture;
    struct capture_frame pending; /* read, but its time had not come */
    int has_pending;
};

/* ---- What gate_core.h asks a build for */

GATE_INLINE int gate_load(struct gate *gate, u32 offset, void *to, u32 length) {
    if (offset > gate->captured || length > gate->captured - offset) return -1;
    __builtin_memcpy(to, gate->data + offset, length);
    return 0;
}

GATE_INLINE const u8 *gate_header(struct gate *gate, u32 offset, u32 length) {
    return offset > gate->captured || length > gate->captured - offset ? 0 : gate->data + offset;
}

GATE_INLINE void gate_chunk(struct gate *gate, u32 offset, u32 length) {
    gate->chunk = gate_header(gate, offset, length);
    gate->chunk_bytes = gate->chunk ? length : 0;
}

GATE_INLINE u64 gate_chunk_word(struct gate *gate, u32 i) {
    u32 at = i * 8, rest = at < gate->chunk_bytes ? gate_smaller(gate->chunk_bytes - at, 8) : 0;
    u64 word = 0;
    __builtin_memcpy(&word, gate->chunk + at, rest);
    return __builtin_bswap64(word);
}

GATE_INLINE struct gate_packet *gate_packet(struct gate *gate) { return &gate->packet; }
GATE_INLINE struct gate_piece *gate_piece(struct gate *gate) { return &gate->piece; }

GATE_INLINE u32 gate_plain(struct gate *gate, u32 number) {
    (void)gate;
    return number;
}

GATE_INLINE struct gate_slice *gate_slice(struct gate *gate) { return &gate->slice; }

GATE_INLINE int gate_emit(struct gate *gate, u32 offset) {
    const struct gate_slice *slice = &gate->slice;
    u64 padded = ((u64)slice->length + 7) & ~7ULL;
    if (gate->out_size - gate->out_used < sizeof *slice + padded) {
        gate->totals.lost_slices++;
        return -1;
    }
    u8 *to = gate->out + gate->out_used;
    __builtin_memcpy(to, slice, sizeof *slice);
    if (gate_load(gate, offset, to + sizeof *slice, slice->length)) return -1;
    gate->out_used += sizeof *slice + padded;
    return 0;
}

GATE_INLINE void gate_count(struct gate *gate, u32 total, u64 amount) { *(u64 *)((u8 *)&gate->totals + total) += amount; }

GATE_INLINE void gate_count_packet(struct gate *gate, u32 total, const struct gate_packet *packet) {
    gate_count(gate, total, packet->frames);
    gate_count(gate, total + (u32)sizeof(u64), packet->wire_bytes);
}

GATE_INLINE void gate_count_opened(struct gate *gate, u32 kind, u64 bytes) { gate->totals.opened_bytes[kind & (SLICE_KINDS - 1)] += bytes; }
GATE_INLINE const struct gate_config *gate_config(struct gate *gate) { return &gate->config; }
GATE_INLINE struct gate_row *gate_row(struct gate *gate, u32 slot) { return &gate->rows[slot]; }
GATE_INLINE void gate_add(u64 *counter, u64 amount) { *counter += amount; }

GATE_INLINE u64 hash_words(const void *bytes, u32 words, u64 seed) {
    u64 hash = seed;
    for (u32 i = 0; i < words; i++) {
        u64 word;
        __builtin_memcpy(&word, (const u8 *)bytes + i * 8, 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
        hash ^= hash >> 29;
    }
    return hash ^ hash >> 32;
}

/* Where the key's entry is, or the empty place where it would be. */
static u64 index_place(struct gate *gate, const struct gate_key *key) {
    u64 hash = hash_words(key, sizeof *key / 8, gate->seed);
    for (u64 at = hash & gate->index_mask;; at = (at + 1) & gate->index_mask) {
        u64 entry = gate->index[at];
        if (!entry) return at;
        if (entry >> 32 == hash >> 32 && !__builtin_memcmp(&gate->rows[(u32)entry - 1].key, key, sizeof *key)) return at;
    }
}

GATE_INLINE int gate_find(struct gate *gate, const struct gate_key *key, u32 *slot) {
    u64 entry = gate->index[index_place(gate, key)];
    if (!entry) return -1;
    *slot = (u32)entry - 1;
    return 0;
}

GATE_INLINE int gate_create(struct gate *gate, const struct gate_packet *packet, int replace, u32 *slot) {
    (void)replace; /* the entry is written over either way */
    if (gate->free_count) *slot = gate->free_slots[--gate->free_count];
    else if (gate->high_water < gate->config.max_flows) *slot = gate->high_water++;
    else return -1;
    u64 place = index_place(gate, &packet->key);
    u64 tag = hash_words(&packet->key, sizeof packet->key / 8, gate->seed) >> 32;
    start_row(gate, &gate->rows[*slot], packet);
    gate->index[place] = tag << 32 | (*slot + 1);
    gate->totals.new_flows++;
    return 0;
}

/* Empties a place and moves back the entries behind it that were pushed past theirs (Knuth 6.4, algorithm R). */
static void index_remove(struct gate *gate, u64 hole) {
    gate->index[hole] = 0;
    for (u64 at = (hole + 1) & gate->index_mask; gate->index[at]; at = (at + 1) & gate->index_mask) {
        u64 home = hash_words(&gate->rows[(u32)gate->index[at] - 1].key, sizeof(struct gate_key) / 8, gate->seed) & gate->index_mask;
        if (((at - home) & gate->index_mask) < ((at - hole) & gate->index_mask)) continue;
        gate->index[hole] = gate->index[at];
        gate->index[at] = 0;
        hole = at;
    }
}

static u64 personal_place(const struct gate *gate, const u8 *address) {
    u64 mask = MAX_PERSONAL * 2 - 1, at = hash_words(address, 2, gate->seed) & mask;
    static const u8 empty[16];
    while (__builtin_memcmp(gate->personal[at], empty, 16) && __builtin_memcmp(gate->personal[at], address, 16)) at = (at + 1) & mask;
    return at;
}

GATE_INLINE int gate_is_personal(struct gate *gate, const u8 *address) {
    static const u8 nowhere[16];
    if (!gate->personal_count || !__builtin_memcmp(address, nowhere, 16)) return 0;
    return !__builtin_memcmp(gate->personal[personal_place(gate, address)], address, 16);
}

GATE_INLINE struct gate_kept *gate_kept(struct gate *gate) { return &gate->kept; }

GATE_INLINE struct kept_fragment *own_set(struct gate *gate) {
    return fragment_set(gate->fragments, hash_words(&gate->kept.key, sizeof gate->kept.key / 8, gate->seed));
}

GATE_INLINE int gate_find_fragment(struct gate *gate) { return find_kept(own_set(gate), &gate->kept); }
GATE_INLINE void gate_keep_fragment(struct gate *gate) { keep(own_set(gate), &gate->kept); }

static void gate_enter(struct gate *gate, enum gate_stage stage) {
    switch (stage) {
    case STAGE_HEADERS: enter_headers(gate); break;
    case STAGE_SEGMENT: enter_segment(gate); break;
    case STAGE_REQUEST: enter_request(gate); break;
    case STAGE_HOST: enter_host(gate); break;
    default: enter_datagram(gate); break;
    }
}

/* ---- What Python calls */

EXPORT void gate_delete(struct gate *gate) {
    if (!gate) return;
    free(gate->row_block);
    free(gate->index);
    free(gate->free_slots);
    free(gate->personal);
    free(gate->fragments);
    free(gate);
}

/* A gate with its tables, or null when there is no memory for them. */
EXPORT struct gate *gate_new(const struct gate_config *config, u64 seed) {
    struct gate *gate = calloc(1, sizeof *gate);
    if (!gate) return 0;
    u64 places = 64;
    while (places < (u64)config->max_flows * 2) places *= 2;
    gate->config = *config;
    gate->seed = seed;
    gate->index_mask = places - 1;
    gate->row_block = calloc(config->max_flows + 1ULL, sizeof *gate->rows); /* zeroed pages cost nothing until used */
    gate->rows = (struct gate_row *)(((unsigned long)gate->row_block + 63) & ~63UL);
    gate->index = calloc(places, sizeof *gate->index);
    gate->free_slots = calloc(config->max_flows, sizeof *gate->free_slots);
    gate->personal = calloc(MAX_PERSONAL * 2, sizeof *gate->personal);
    gate->fragments = calloc(FRAGMENT_SETS * FRAGMENT_WAYS, sizeof *gate->fragments);
    if (gate->row_block && gate->index && gate->free_slots && gate->personal && gate->fragments) return gate;
    gate_delete(gate);
    return 0;
}

EXPORT struct gate_row *gate_rows(struct gate *gate) { return gate->rows; }
EXPORT struct gate_totals *gate_all_totals(struct gate *gate) { return &gate->totals; }
EXPORT u32 gate_high_water(const struct gate *gate) { return gate->high_water; }

static void set_out(struct gate *gate, u8 *out, u64 size) {
    gate->out = out;
    gate->out_size = size;
    gate->out_used = 0;
}

/* One frame. `vlan`: a tag that came beside it, or -1. */
EXPORT void gate_feed(struct gate *gate, u32 link, u64 time_ns, const u8 *data, u32 captured, u32 wire, int vlan) {
    struct gate_packet *packet = &gate->packet;
    gate->data = data;
    gate->captured = captured;
    __builtin_memset(packet, 0, sizeof *packet);
    packet->time_ns = time_ns;
    packet->wire_bytes = wire;
    packet->captured_bytes = captured;
    packet->frames = 1;
    if (vlan >= 0) note_vlan(packet, (u32)vlan);
    enter_gate(gate, link);
}

/* As gate_feed, with room for slices; returns the bytes used of it. */
EXPORT u64 gate_feed_out(struct gate *gate, u32 link, u64 time_ns, const u8 *data, u32 captured, u32 wire, int vlan, u8 *out, u64 size) {
    set_out(gate, out, size);
    gate_feed(gate, link, time_ns, data, captured, wire, vlan);
    return gate->out_used;
}

/* Opens a capture file that is in memory; returns a capture_stop. */
EXPORT u32 gate_open_capture(struct gate *gate, const u8 *base, u64 size) {
    gate->has_pending = 0;
    capture_open(&gate->capture, base, size);
    return gate->capture.stop;
}

struct read_result {
    u64 out_used;
    u64 frames;
    u64 at;       /* bytes of the file read */
    u64 next_ns;  /* time of the frame that met until_ns, or of the last one */
    u64 unknown_interfaces;
    u32 stop;     /* capture_stop */
    u32 reached;  /* 1: the next frame is at until_ns or later */
};

/* Feeds frames of the open capture until `until_ns`, `max_frames`, or `size` bytes of slices are nearly met. */
EXPORT void gate_read_capture(struct gate *gate, u64 until_ns, u64 max_frames, u8 *out, u64 size, struct read_result *result) {
    struct capture *capture = &gate->capture;
    struct capture_frame *frame = &gate->pending;
    u64 room = GATE_TLS_BYTES + gate->config.widen_bytes * 4ULL + 1024, frames = 0;
    set_out(gate, out, size);
    result->reached = 0;
    while (frames < max_frames && gate->out_size - gate->out_used >= room) {
        if (!gate->has_pending && !capture_next(capture, frame)) break;
        gate->has_pending = 1;
        result->next_ns = frame->time_ns;
        if (frame->time_ns >= until_ns) {
            result->reached = 1;
            break;
        }
        gate_feed(gate, frame->link, frame->time_ns, frame->data, frame->captured, frame->wire, -1);
        gate->has_pending = 0;
        frames++;
    }
    result->out_used = gate->out_used;
    result->frames = frames;
    result->at = capture->at;
    result->unknown_interfaces = capture->unknown_interfaces;
    result->stop = gate->has_pending ? CAPTURE_READING : capture->stop;
}

/* Feeds frames of a packet ring, until it is empty, `max_frames`, or `size` bytes of slices are nearly met. Returns the
 * frames fed; `out_used` becomes the bytes of slices. */
EXPORT u64 gate_read_packets(struct gate *gate, struct packet_ring *ring, u64 max_frames, u8 *out, u64 size, u64 *out_used) {
    struct capture_frame frame = {0};
    u64 room = GATE_TLS_BYTES + gate->config.widen_bytes * 4ULL + 1024, frames = 0;
    int vlan;
    set_out(gate, out, size);
    while (frames < max_frames && gate->out_size - gate->out_used >= room && next_ring_frame(ring, &frame, &vlan)) {
        gate_feed(gate, frame.link, frame.time_ns, frame.data, frame.captured, frame.wire, vlan);
        frames++;
    }
    *out_used = gate->out_used;
    return frames;
}

/* Takes rows out of the index: no packet reaches them again. */
EXPORT void gate_release(struct gate *gate, const u32 *slots, u64 count) {
    for (u64 i = 0; i < count; i++) {
        struct gate_row *row = &gate->rows[slots[i]];
        if (!(row->flags & FLOW_LIVE) || row->flags & FLOW_UNLINKED) continue;
        index_remove(gate, index_place(gate, &row->key));
        row->flags |= FLOW_UNLINKED;
    }
}

/* Frees released rows. Their counts are the caller's from now on. */
EXPORT void gate_remove(struct gate *gate, const u32 *slots, u64 count) {
    gate_release(gate, slots, count);
    for (u64 i = 0; i < count; i++) {
        struct gate_row *row = &gate->rows[slots[i]];
        if (!(row->flags & FLOW_LIVE)) continue;
        __builtin_memset(row, 0, sizeof *row);
        gate->free_slots[gate->free_count++] = slots[i];
    }
}

/* Names an address (IPv4 in the first 4 of 16 bytes) as serving personal online accounts only. -1: no room. */
EXPORT int gate_add_personal(struct gate *gate, const u8 *address) {
    u64 at = personal_place(gate, address);
    if (!__builtin_memcmp(gate->personal[at], address, 16)) return 0;
    if (gate->personal_count == MAX_PERSONAL) return -1;
    __builtin_memcpy(gate->personal[at], address, 16);
    gate->personal_count++;
    return 0;
}

/* Takes an address back; the entries pushed past it are put in anew. */
EXPORT void gate_drop_personal(struct gate *gate, const u8 *address) {
    static const u8 empty[16];
    u64 at = personal_place(gate, address);
    if (__builtin_memcmp(gate->personal[at], address, 16)) return;
    do {
        u8 again[16];
        __builtin_memcpy(again, gate->personal[at], 16);
        __builtin_memset(gate->personal[at], 0, 16);
        gate->personal_count--;
        if (__builtin_memcmp(again, address, 16)) gate_add_personal(gate, again);
        at = (at + 1) & (MAX_PERSONAL * 2 - 1);
    } while (__builtin_memcmp(gate->personal[at], empty, 16));
}

/* For the kernel gate: see ring_reader.h. */
EXPORT u64 gate_read_ring(u64 *consumer, const u64 *producer, const u8 *data, u64 mask, u8 *out, u64 size) {
    return read_ring(consumer, producer, data, mask, out, size);
}

/* Sizes and offsets as this compiler sees them, for the test that holds agent/gate/layout.py to them. */
EXPORT u64 gate_layout(u32 what) {
    static const u64 table[] = {
        sizeof(struct gate_key), sizeof(struct gate_row), sizeof(struct gate_slice), sizeof(struct gate_totals),
        sizeof(struct gate_config), sizeof(struct read_result),
        __builtin_offsetof(struct gate_row, first_ns), __builtin_offsetof(struct gate_row, class_id),
        __builtin_offsetof(struct gate_row, packets), __builtin_offsetof(struct gate_row, payload_bytes),
        __builtin_offsetof(struct gate_row, flags), __builtin_offsetof(struct gate_row, base),
        __builtin_offsetof(struct gate_row, outer), __builtin_offsetof(struct gate_totals, opened_bytes),
    };
    return what < sizeof table / sizeof *table ? table[what] : 0;
}
