/* The gate in the kernel: a socket filter around gate_core.h that counts every packet and passes none.
 *
 * Built by the Makefile's target `bpf`; the object is committed, and CI rebuilds it to the same hash. Helpers and
 * context fields are declared here (they are stable ABI), so no kernel headers are needed; one configuration
 * structure in .rodata, frozen before the program is loaded (agent/gate/kernel.py).
 */
#include "gate_core.h"

#define SECTION(name) __attribute__((section(name), used))

/* ---- The kernel's ABI: include/uapi/linux/bpf.h */
struct __sk_buff {
    u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority, ingress_ifindex, ifindex;
    u32 tc_index, cb[5], hash, tc_classid, data, data_end, napi_id, family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4];
    u32 remote_port, local_port, data_meta;
    u64 flow_keys, tstamp;
    u32 wire_len, gso_segs;
    u64 sk;
    u32 gso_size;
};

struct map_definition {
    u32 type, key_size, value_size, max_entries, flags;
};

enum { MAP_HASH = 1, MAP_ARRAY = 2, MAP_PROGRAMS = 3, MAP_PERCPU_ARRAY = 6, MAP_LRU_HASH = 9, MAP_STACK = 23, MAP_RINGBUF = 27 };
enum { FLAG_NO_PREALLOC = 1, FLAG_MMAPABLE = 1 << 10 };
enum { UPDATE_ANY = 0, UPDATE_NOEXIST = 1, RINGBUF_NO_WAKEUP = 1 };

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static u64 (*const ktime_ns)(void) = (void *)5;
static long (*const tail_call)(void *context, void *programs, u32 index) = (void *)12;
static long (*const load_bytes)(const void *skb, u32 offset, void *to, u32 length) = (void *)26;
static long (*const map_push)(void *map, const void *value, u64 flags) = (void *)87;
static long (*const map_pop)(void *map, void *value) = (void *)88;
static long (*const ringbuf_output)(void *ringbuf, void *data, u64 size, u64 flags) = (void *)130;

/* ---- Tables. Sizes are of the shipped defaults; the loader sets max_entries from the settings. */
#define MAP(name, kind, key, value, entries, bits) \
    struct map_definition SECTION("maps") name = {.type = kind, .key_size = key, .value_size = value, .max_entries = entries, .flags = bits}

struct scratch { /* one packet's room, on the CPU that sees it */
    struct gate_packet packet;
    struct gate_piece piece;
    struct gate_kept kept;
    u32 plain; /* gate_plain's */
    u32 slot;  /* gate_row's key */
    u8 header[GATE_HEADER_BYTES];
    u64 chunk[GATE_CHUNK_WORDS];
    struct gate_slice slice; /* and its bytes behind it, as they leave */
    u8 bytes[GATE_TLS_BYTES];
};

enum { FRAME_PROGRAM = GATE_STAGES, PROGRAMS };

MAP(rows, MAP_ARRAY, 4, sizeof(struct gate_row), 1 << 18, FLAG_MMAPABLE);
MAP(flows, MAP_HASH, sizeof(struct gate_key), 4, 1 << 18, 0);
MAP(free_slots, MAP_STACK, 0, 4, 1 << 18, 0);
MAP(fragments, MAP_LRU_HASH, sizeof(struct gate_fragment_key), sizeof(struct gate_fragment), 4096, 0);
MAP(personal, MAP_HASH, 16, 1, 65536, FLAG_NO_PREALLOC);
MAP(totals, MAP_PERCPU_ARRAY, 4, sizeof(struct gate_totals), 1, 0);
MAP(scratch_room, MAP_PERCPU_ARRAY, 4, sizeof(struct scratch), 1, 0);
MAP(slices, MAP_RINGBUF, 0, 0, 1 << 23, 0);
MAP(stages, MAP_PROGRAMS, 4, 4, PROGRAMS, 0);

volatile const struct gate_config SECTION(".rodata") config = {0};

struct gate {
    struct __sk_buff *skb;
    struct scratch *scratch;
};

/* Keeps the compiler from undoing a bound between the check and its use, which the verifier would then not see. */
#define BOUND(value) asm volatile("" : "+r"(value))

/* ---- What gate_core.h asks a build for */

GATE_INLINE int gate_load(struct gate *gate, u32 offset, void *to, u32 length) {
    return load_bytes(gate->skb, offset, to, length) ? -1 : 0;
}

/* This CPU's own. A key for the kernel may lie in a map: see gate_core.h why as little as may be stands on the stack. */
GATE_INLINE void gate_count(struct gate *gate, u32 total, u64 amount) {
    (void)gate;
    u8 *mine = map_lookup(&totals, (const void *)&config.zero);
    if (mine) *(u64 *)(mine + total) += amount;
}

GATE_INLINE void gate_count_packet(struct gate *gate, u32 total, const struct gate_packet *packet) {
    (void)gate;
    u8 *mine = map_lookup(&totals, (const void *)&config.zero);
    if (!mine) return;
    *(u64 *)(mine + total) += packet->frames;
    *(u64 *)(mine + total + sizeof(u64)) += packet->wire_bytes;
}

/* Each kind by itself: with an index the verifier would tell apart all numbers that it need not. */
GATE_INLINE void gate_count_opened(struct gate *gate, u32 kind, u64 bytes) {
    (void)gate;
    struct gate_totals *mine = map_lookup(&totals, (const void *)&config.zero);
    if (!mine) return;
    GATE_UNROLLED
    for (u32 i = 0; i <= SLICE_BANNER; i++) {
        u64 *opened = &mine->opened_bytes[i];
        BOUND(opened);
        if (kind == i) *opened += bytes;
    }
}

/* A length from 1 to `most`, a power of two, in a form whose bounds every verifier since 5.15 can follow. */
GATE_INLINE u64 bounded(u32 length, u32 most) {
    u64 last = (u64)length - 1;
    BOUND(last);
    last &= most - 1;
    BOUND(last);
    return last + 1;
}

GATE_INLINE const u8 *gate_header(struct gate *gate, u32 offset, u32 length) {
    u8 *header = gate->scratch->header;
    BOUND(header); /* else the compiler makes one read with two offsets of two reads */
    return load_bytes(gate->skb, offset, header, length) ? 0 : header;
}

GATE_INLINE void gate_chunk(struct gate *gate, u32 offset, u32 length) {
    u64 *chunk = gate->scratch->chunk;
    __builtin_memset(chunk, 0, GATE_CHUNK_BYTES);
    load_bytes(gate->skb, offset, chunk, bounded(length, GATE_CHUNK_BYTES));
}

GATE_INLINE u64 gate_chunk_word(struct gate *gate, u32 i) { return __builtin_bswap64(gate->scratch->chunk[i]); }

/* Asked for anew at each step, so that the compiler does not put addresses inside it aside on the stack. */
GATE_INLINE struct gate_packet *gate_packet(struct gate *gate) {
    BOUND(gate->scratch);
    return &gate->scratch->packet;
}

GATE_INLINE struct gate_piece *gate_piece(struct gate *gate) { return &gate->scratch->piece; }

GATE_INLINE u32 gate_plain(struct gate *gate, u32 number) {
    *(volatile u32 *)&gate->scratch->plain = number;
    return *(volatile u32 *)&gate->scratch->plain;
}

GATE_INLINE struct gate_slice *gate_slice(struct gate *gate) { return &gate->scratch->slice; }

GATE_INLINE int gate_emit(struct gate *gate, u32 offset) {
    struct scratch *scratch = gate->scratch;
    u32 length = scratch->slice.length;
    u64 size = 0;
    if (length > GATE_TLS_BYTES) return -1;
    if (length) {
        size = bounded(length, GATE_TLS_BYTES);
        if (load_bytes(gate->skb, offset, scratch->bytes, size)) return -1;
    }
    if (ringbuf_output(&slices, &scratch->slice, sizeof scratch->slice + size, RINGBUF_NO_WAKEUP)) {
        gate_count(gate, GATE_TOTAL(lost_slices), 1);
        return -1;
    }
    return 0;
}

GATE_INLINE const struct gate_config *gate_config(struct gate *gate) {
    (void)gate;
    const struct gate_config *loaded = (const struct gate_config *)&config;
    BOUND(loaded); /* the loader writes it: the zeros here are not its values */
    return loaded;
}

GATE_INLINE int gate_find(struct gate *gate, const struct gate_key *key, u32 *slot) {
    (void)gate;
    const u32 *found = map_lookup(&flows, key);
    if (!found) return -1;
    *slot = *found;
    return 0;
}

GATE_INLINE struct gate_row *gate_row(struct gate *gate, u32 slot) {
    gate->scratch->slot = slot;
    return map_lookup(&rows, &gate->scratch->slot);
}

#include "gate_flow.h"
#include "gate_stages.h"

/* Two CPUs may meet a new flow at once: the second one's row goes back, and the first one's is used. */
GATE_INLINE int gate_create(struct gate *gate, const struct gate_packet *packet, int replace, u32 *slot) {
    if (map_pop(&free_slots, slot)) return -1;
    struct gate_row *row = gate_row(gate, *slot);
    if (!row) return -1;
    start_row(gate, row, packet);
    if (!map_update(&flows, &packet->key, slot, replace ? UPDATE_ANY : UPDATE_NOEXIST)) {
        gate_count(gate, GATE_TOTAL(new_flows), 1);
        return 0;
    }
    row->flags = 0;
    map_push(&free_slots, slot, 0);
    return gate_find(gate, &packet->key, slot);
}

GATE_INLINE int gate_is_personal(struct gate *gate, const u8 *address) {
    (void)gate;
    return map_lookup(&personal, address) != 0;
}

GATE_INLINE struct gate_kept *gate_kept(struct gate *gate) { return &gate->scratch->kept; }

GATE_INLINE int gate_find_fragment(struct gate *gate) {
    struct gate_kept *kept = &gate->scratch->kept;
    const struct gate_fragment *found = map_lookup(&fragments, &kept->key);
    if (!found) return -1;
    kept->fragment = *found;
    return 0;
}

GATE_INLINE void gate_keep_fragment(struct gate *gate) {
    struct gate_kept *kept = &gate->scratch->kept;
    map_update(&fragments, &kept->key, &kept->fragment, UPDATE_ANY);
}

GATE_INLINE void gate_add(u64 *counter, u64 amount) { __sync_fetch_and_add(counter, amount); }

/* What each program begins with. -1: never; the verifier wants to hear it. */
GATE_INLINE int start_gate(struct gate *gate, struct __sk_buff *skb) {
    gate->skb = skb;
    gate->scratch = map_lookup(&scratch_room, (const void *)&config.zero);
    return gate->scratch ? 0 : -1;
}

/* A stage that is not there opens nothing. */
GATE_INLINE void gate_enter(struct gate *gate, enum gate_stage stage) { tail_call(gate->skb, &stages, stage); }

/* Every packet of the socket's interface, both ways. The kernel charges this program's size to the socket, and before 6.8
 * a socket has room for 20 KB (net.core.optmem_max): so it only goes on. Returns 0, as all do: the packet goes no further. */
SECTION("socket") int hallwatch_gate(struct __sk_buff *skb) {
    tail_call(skb, &stages, FRAME_PROGRAM);
    return 0;
}

SECTION("socket/frame") int hallwatch_frame(struct __sk_buff *skb) {
    struct gate gate;
    if (start_gate(&gate, skb)) return 0;
    struct gate_packet *packet = &gate.scratch->packet;
    __builtin_memset(packet, 0, sizeof *packet);
    packet->time_ns = ktime_ns();
    packet->captured_bytes = skb->len;
    packet->wire_bytes = skb->len;
    packet->frames = 1;
    if (skb->gso_segs > 1) packet->frames = skb->gso_segs;
    if (skb->vlan_present) {
        note_vlan(packet, skb->vlan_tci & 0xFFF);
        packet->wire_bytes += 4;
    }
    enter_gate(&gate, LINK_ETHERNET);
    return 0;
}

/* The loader puts the programs of these sections into `stages`, in the order of enum gate_stage, the frame's own last. */
SECTION("socket/headers") int hallwatch_headers(struct __sk_buff *skb) {
    struct gate gate;
    if (!start_gate(&gate, skb)) enter_headers(&gate);
    return 0;
}

SECTION("socket/segment") int hallwatch_segment(struct __sk_buff *skb) {
    struct gate gate;
    if (!start_gate(&gate, skb)) enter_segment(&gate);
    return 0;
}

SECTION("socket/request") int hallwatch_request(struct __sk_buff *skb) {
    struct gate gate;
    if (!start_gate(&gate, skb)) enter_request(&gate);
    return 0;
}

SECTION("socket/host") int hallwatch_host(struct __sk_buff *skb) {
    struct gate gate;
    if (!start_gate(&gate, skb)) enter_host(&gate);
    return 0;
}

SECTION("socket/datagram") int hallwatch_datagram(struct __sk_buff *skb) {
    struct gate gate;
    if (!start_gate(&gate, skb)) enter_datagram(&gate);
    return 0;
}

char SECTION("license") gate_license[] = "GPL";
