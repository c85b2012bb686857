/* The gate's words: what is opened (the table of limits), a flow's row, a slice, and what a build must provide.
 *
 * Pure C: no libc, no kernel headers, no pointers kept between packets. gate_native.c and gate.bpf.c include it with
 * the machines gate_decode.h (frame -> packet), gate_flow.h (packet -> counts), gate_stream.h, gate_request.h and
 * gate_datagram.h (packet -> slices), and gate_stages.h, which calls them.
 */
#ifndef GATE_CORE_H
#define GATE_CORE_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define GATE_INLINE static inline __attribute__((always_inline))

/* ---- What is opened, and no more. Each name is one cell of the table in docs/privacy.md; a test holds them equal. */
enum gate_limit {
    GATE_TLS_BYTES = 16384,     /* ClientHello: longest TLS record (RFC 8446 section 5.1) */
    GATE_DTLS_DATAGRAMS = 4,    /* one flight: hello, and again with its cookie, each perhaps in two */
    GATE_QUIC_DATAGRAMS = 6,    /* hello in up to 3 Initials, each perhaps sent twice */
    GATE_DATAGRAM_BYTES = 4096, /* a DNS message with EDNS (RFC 6891 section 6.2.5), a jumbo Initial */
    GATE_DNS_TCP_BYTES = 16384, /* each way */
    GATE_HTTP_SEARCH_BYTES = 2048,
    GATE_HTTP_HOST_BYTES = 256, /* a name has at most 253 (RFC 1035 section 2.3.4), and a port may follow */
    GATE_HTTP_METHOD_BYTES = 16,
    GATE_BANNER_BYTES = 64,
};

/* So much of a request's head is searched in one stage: more than a Host value may have, and a power of two. */
enum { GATE_CHUNK_BYTES = 512, GATE_CHUNK_WORDS = GATE_CHUNK_BYTES / 8 };

/* ---- How deep a frame is read. Beyond these it is counted as undecodable, or by its outer header. */
enum gate_depth {
    GATE_MAX_HEADERS = 24, /* headers of one frame, tags and labels and IPv6 extensions included */
    GATE_MAX_TUNNELS = 3,
    GATE_HEADER_BYTES = 40, /* looked at together: an IPv6 header */
    GATE_STREAM_LATCH = 1 << 20, /* a stream this far on is never opened again, so that sequence wrap cannot reopen it */
};

enum gate_direction { GATE_TO_SERVER = 0, GATE_TO_CLIENT = 1 };

/* Which row of the table a slice left by (agent/flow.py: SliceKind). */
enum slice_kind {
    SLICE_TLS = 1,
    SLICE_DTLS = 2,
    SLICE_QUIC = 3,
    SLICE_DNS = 4,
    SLICE_DNS_TCP = 5,
    SLICE_HTTP_METHOD = 6,
    SLICE_HTTP_HOST = 7,
    SLICE_BANNER = 8,
    SLICE_KINDS = 16, /* room for more, and a power of two: an index below it is a mask away */
};

enum slice_flag { SLICE_END = 1, SLICE_FRAGMENT = 2 };

/* What the first payload of a flow looked like: which row of the table is in force. */
enum flow_kind {
    FLOW_UNDECIDED = 0,
    FLOW_TLS = 1,
    FLOW_DTLS = 2,
    FLOW_QUIC = 3,
    FLOW_DNS = 4,
    FLOW_HTTP = 5,
    FLOW_OTHER = 6,
};

enum flow_flag {
    FLOW_CLOSED = 1,          /* the gate's own latch: nothing more is opened */
    FLOW_PERSONAL = 2,        /* the server's address only serves personal online accounts */
    FLOW_BASE_SERVER = 4,     /* base[GATE_TO_SERVER] is known; the next bit: base[GATE_TO_CLIENT] */
    FLOW_BASE_CLIENT = 8,
    FLOW_FIN_SERVER = 16,     /* FIN seen to the server; the next bit: to the client */
    FLOW_FIN_CLIENT = 32,
    FLOW_RESET = 64,
    FLOW_BANNER_SERVER = 128, /* the first payload to the server was opened; the next bit: to the client */
    FLOW_BANNER_CLIENT = 256,
    FLOW_UNLINKED = 512,      /* its key belongs to a newer flow; only the sweep still knows this row */
    FLOW_LIVE = 1024,         /* the row is in use */
    FLOW_TAGGED = 2048,       /* vlan holds a VLAN identifier */
    FLOW_HOST_VALUE = 4096,   /* HTTP: inside the Host value */
};

/* Both ends of a flow, in an order that does not depend on who sent. Ports are numbers, not network order. */
struct gate_key {
    u8 address[2][16]; /* IPv4 in the first 4 bytes, the rest 0 */
    u16 port[2];
    u16 ethertype; /* of frames that are not IP; 0x0800 or 0x86DD otherwise */
    u8 protocol;   /* IP protocol number */
    u8 depth;      /* tunnels around it */
};

/* One flow: its identity, its counts, its window. `class_id` and `sealed` belong to user space, the rest to the gate.
 * Rows are the only counters of packets in flows: the totals of a class are sums over its rows. */
struct gate_row {
    struct gate_key key;
    u64 first_ns;
    u64 last_ns;
    u32 class_id; /* 0: not named yet */
    u32 sealed;   /* 1: no byte of payload leaves the gate again */
    u64 packets[2];
    u64 bytes[2];
    u64 payload_bytes;
    u64 opened_bytes;
    u16 flags;
    u8 kind;
    u8 client; /* which end of the key is the client: 0 or 1 */
    u8 datagrams; /* opened so far */
    u8 reserved;
    u16 vlan;
    u32 base[2]; /* TCP sequence number of the first payload byte, by direction */
    u32 cursor;  /* TLS: stream offset of the next record header. HTTP: stream offset up to which the head was searched */
    u32 limit;   /* TLS: stream offset where the ClientHello ends. HTTP: bytes of the Host value so far */
    u64 window;  /* TLS: bytes 3 to 8 of the stream and which of them are known. HTTP: the last 8 bytes searched */
    struct gate_key outer; /* the outermost tunnel, or zeros */
    u64 record; /* TLS: the bytes of the next record header, and which of them are known. A row is three cache lines */
};

/* Opened bytes on their way to user space; `length` bytes follow, padded to 8. */
struct gate_slice {
    u64 time_ns;
    u32 slot;
    u32 offset;
    u32 length;
    u32 payload_bytes; /* of the packet, opened or not */
    u8 direction;
    u8 kind;
    u8 flags;
    u8 reserved;
    u32 reserved_word;
};

/* What became of frames outside flows, and how much was opened. seen = rows + removed rows + untracked + undecodable. */
struct gate_totals {
    u64 seen_packets;
    u64 seen_bytes;
    u64 untracked_packets;
    u64 untracked_bytes;
    u64 undecodable_packets;
    u64 undecodable_bytes;
    u64 opened_bytes[SLICE_KINDS];
    u64 lost_slices;       /* no room on the way to user space */
    u64 truncated_headers; /* GATE_MAX_HEADERS met */
    u64 new_flows;
};

#define GATE_TOTAL(name) ((u32)__builtin_offsetof(struct gate_totals, name))

/* Settings, frozen when a gate is made. */
struct gate_config {
    u64 tcp_idle_ns;
    u64 other_idle_ns;
    u64 closed_idle_ns;
    u32 max_flows;
    u32 widen_bytes; /* tests only: opened beyond every window, so that the canary search has something to find */
    u32 queries;     /* 1: DNS queries are opened too, for who wants the names of look-ups that nobody answered */
    u32 zero;        /* the key of tables that have one entry */
};

/* What later fragments need of their first. */
struct gate_fragment_key {
    u8 address[2][16];
    u32 id;
    u16 protocol;
    u16 sender; /* each end numbers its packets by itself */
};

struct gate_fragment {
    u32 slot;
    u32 stream_offset; /* of the first fragment's first payload byte */
    u32 header_bytes;
    u32 limit; /* of a datagram: where what may be opened of it ends */
    u8 direction;
    u8 opened; /* the first fragment left the gate as this kind of slice, 0 if it did not */
    u8 placed; /* stream_offset is known: the first fragment was looked at */
    u8 reserved;
};

struct gate_kept {
    struct gate_fragment_key key;
    struct gate_fragment fragment;
};

/* A frame on its way through the gate. */
struct gate_packet {
    struct gate_key key;
    struct gate_key outer;
    u64 time_ns;
    u32 wire_bytes;
    u32 frames;          /* 1, or the segments of a merged one */
    u32 payload_offset;  /* where the transport payload starts in the frame */
    u32 payload_bytes;   /* on the wire, after that header */
    u32 captured_bytes;  /* of the frame */
    u32 sequence;
    u32 acknowledgement;
    u32 fragment_id;
    u32 fragment_offset; /* of a later fragment, in bytes of IP payload */
    u32 header_bytes;    /* transport header of a first fragment */
    u16 vlan;
    u8 tagged;           /* 0, or 1 + the tunnels around the tag that `vlan` is of */
    u8 tcp_flags;
    u8 sender;           /* which end of the key sent it */
    u8 fragmented;       /* 0 whole, 1 first fragment, 2 later fragment */
    u8 headless;         /* the transport header was cut off: no payload can be placed */
    u8 headers;          /* read so far */
    u32 next_offset;     /* where decoding stands: the next header, */
    u32 next_layer;      /* what it is (gate_link.h: enum gate_layer), */
    u32 next_type;       /* its EtherType or IP protocol number, */
    u32 end;             /* and where the payload of the last one that tells its length ends */
    u32 slot;            /* of its flow's row, */
    u32 before;          /* and of the row that had its key until now */
};

/* One packet's payload, placed in its flow. */
struct gate_piece {
    u32 slot;
    u32 offset;   /* in the stream (TCP) or the datagram (UDP) of the first byte that is here */
    u32 at;       /* where that byte is in the frame */
    u32 captured; /* bytes here */
    u32 first;    /* the first 4 bytes, big endian; zeros beyond the end */
    u8 direction;
    u8 fragmented;
    u8 opened; /* out: the kind of the slice that left */
    u8 placed; /* out: `offset` is known */
    u8 midstream; /* the flow's start was not seen */
    u8 follows;   /* a later fragment: what its first left the gate as */
    u16 limit;    /* of a datagram: where what may be opened of it ends */
};

/* ---- What the kernel's verifier asks of programs that are loaded without CAP_PERFMON, and how the core keeps to it.
 * Since Spectre it also follows each branch the way that it does not go, as a processor does that runs ahead of a check:
 *  - A loop does not end there, since its counter may be anything: every loop is GATE_UNROLLED, and short. What is too long for that
 *    goes round through a stage (gate_enter).
 *  - A pointer is tested once, right behind where it came from. Tested again, it may be anything where it is used.
 *  - An offset into a map's value is a constant: of two places GATE_EITHER takes one. An index is none.
 *  - The stack takes whole registers (-mcpu=v2) and bytes that a helper wrote. Structures lie in rooms that the build
 *    gives (gate_packet, gate_slice and so on): half of eight bytes cannot be written over, and each first write is a
 *    barrier of some 10 ns.
 * tests/live/test_rights.py loads it so; docs/performance.md says what the barriers cost that are left. */
#ifdef __bpf__
#define GATE_UNROLLED _Pragma("clang loop unroll(full)")
#define GATE_HIDDEN(pointer) asm volatile("" : "+r"(pointer)) /* else the compiler makes an index of the choice */
#else
#define GATE_UNROLLED _Pragma("GCC unroll 16")
#define GATE_HIDDEN(pointer) (void)(pointer)
#endif

/* A pointer to `a` when `second` is 0, else to `b`. */
#define GATE_EITHER(second, a, b)                        \
    ({                                                   \
        __typeof__(&(a)) a_place = &(a), b_place = &(b); \
        GATE_HIDDEN(a_place);                            \
        GATE_HIDDEN(b_place);                            \
        (second) ? b_place : a_place;                    \
    })

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

GATE_INLINE u32 gate_smaller(u32 a, u32 b) { return a < b ? a : b; }
GATE_INLINE u16 gate_be16(const u8 *p) { return (u16)(p[0] << 8 | p[1]); }
GATE_INLINE u32 gate_be32(const u8 *p) { return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3]; }

/* What few packets have to go through. In the kernel each is a program of its own, with a verification of its own. */
enum gate_stage { STAGE_HEADERS, STAGE_SEGMENT, STAGE_REQUEST, STAGE_HOST, STAGE_DATAGRAM, GATE_STAGES };

/* ---- What a build provides. `struct gate` is its own; a machine only hands it on. */
struct gate;

/* Goes on to a stage (gate_stages.h). Nothing may be done after it: the kernel does not come back. */
static void gate_enter(struct gate *gate, enum gate_stage stage);

/* Bytes of the frame. gate_load copies `length` from `offset`; 0, or -1 when the frame was captured shorter. gate_header
 * gives a look at up to GATE_HEADER_BYTES, until it is asked again; 0 when the frame was captured shorter. gate_chunk
 * looks at 1 to GATE_CHUNK_BYTES, which gate_chunk_word gives by eight, the first one highest, with zeros behind them. */
GATE_INLINE int gate_load(struct gate *gate, u32 offset, void *to, u32 length);
GATE_INLINE const u8 *gate_header(struct gate *gate, u32 offset, u32 length);
GATE_INLINE void gate_chunk(struct gate *gate, u32 offset, u32 length);
GATE_INLINE u64 gate_chunk_word(struct gate *gate, u32 i);

/* Rooms: for what is known of this packet, for the key and the first fragment of one in fragments, for the next slice.
 * Of what lies there a verifier keeps no ranges; gate_plain sends a number through such memory, so that the verifier no
 * longer knows by which path it came about. */
GATE_INLINE struct gate_packet *gate_packet(struct gate *gate);
GATE_INLINE struct gate_piece *gate_piece(struct gate *gate);
GATE_INLINE struct gate_kept *gate_kept(struct gate *gate);
GATE_INLINE struct gate_slice *gate_slice(struct gate *gate);
GATE_INLINE u32 gate_plain(struct gate *gate, u32 number);

/* Hands over the slice with its `length` bytes of the frame from `offset`; 0, or -1 (counted) when there is no room. */
GATE_INLINE int gate_emit(struct gate *gate, u32 offset);

/* Totals: one of them, GATE_TOTAL(name); one of packets and the one of bytes behind it; the opened bytes of a kind. */
GATE_INLINE void gate_count(struct gate *gate, u32 total, u64 amount);
GATE_INLINE void gate_count_packet(struct gate *gate, u32 total, const struct gate_packet *packet);
GATE_INLINE void gate_count_opened(struct gate *gate, u32 kind, u64 bytes);
GATE_INLINE void gate_add(u64 *counter, u64 amount);

/* Tables. gate_create makes a row for a new flow, from start_row; `replace`: its key still names another row. -1 when
 * the table is full. gate_find_fragment fills gate_kept by its key; -1 when nothing is kept. */
GATE_INLINE const struct gate_config *gate_config(struct gate *gate);
GATE_INLINE int gate_find(struct gate *gate, const struct gate_key *key, u32 *slot);
GATE_INLINE struct gate_row *gate_row(struct gate *gate, u32 slot);
GATE_INLINE int gate_create(struct gate *gate, const struct gate_packet *packet, int replace, u32 *slot);
GATE_INLINE int gate_is_personal(struct gate *gate, const u8 *address);
GATE_INLINE int gate_find_fragment(struct gate *gate);
GATE_INLINE void gate_keep_fragment(struct gate *gate);

#endif
