/* A capture file in memory (pcap, pcapng) -> frames, one by one. A damaged file is read up to the damage.
 *
 * pcap: draft-ietf-opsawg-pcap; pcapng: draft-ietf-opsawg-pcapng. Nothing is copied: frames point into the file.
 */
#ifndef CAPTURE_FILE_H
#define CAPTURE_FILE_H

#include "gate_core.h"

enum capture_limit {
    CAPTURE_MAX_INTERFACES = 4096,
    CAPTURE_MAX_FRAME = 262144, /* libpcap's MAXIMUM_SNAPLEN: a longer record is damage */
};

#define CAPTURE_MAX_NS 4000000000000000000ULL /* year 2096: later stamps are damage and held here */
#define CAPTURE_UNKNOWN_LINK 0xFFFFFFFFu

/* Why reading stopped, in the order of agent/gate/native.py: STOPS. */
enum capture_stop {
    CAPTURE_READING = 0,
    CAPTURE_COMPLETE = 1,
    CAPTURE_CUT = 2,         /* the file ends inside a record */
    CAPTURE_BAD_LENGTH = 3,  /* a record's length cannot be */
    CAPTURE_NOT_A_CAPTURE = 4,
    CAPTURE_BAD_VERSION = 5,
};

struct capture_interface {
    u32 link;
    u32 shift;      /* not 0: units of 2^-shift seconds */
    u64 multiply;   /* nanoseconds per unit, when a unit is at least one */
    u64 divide;     /* units per nanosecond, otherwise */
    long long offset_s;
    u32 snap_bytes; /* what a Simple Packet Block holds at most */
};

struct capture {
    const u8 *base;
    u64 size;
    u64 at;
    u64 last_ns;
    u64 unknown_interfaces; /* frames of an interface that the file does not describe */
    u32 is_pcapng;
    u32 swapped;
    u32 stop;
    u32 interfaces;
    struct capture_interface interface[CAPTURE_MAX_INTERFACES];
};

struct capture_frame {
    const u8 *data;
    u64 time_ns;
    u32 captured;
    u32 wire;
    u32 link;
};

static u32 capture_u32(const struct capture *c, u64 at) {
    u32 value;
    __builtin_memcpy(&value, c->base + at, 4);
    return c->swapped ? __builtin_bswap32(value) : value;
}

static u32 capture_u16(const struct capture *c, u64 at) {
    u16 value;
    __builtin_memcpy(&value, c->base + at, 2);
    return c->swapped ? __builtin_bswap16(value) : value;
}

static int capture_stops(struct capture *c, u32 why) {
    c->stop = why;
    return 0;
}

/* Reads the file's header; `stop` tells when it is no capture. */
static void capture_open(struct capture *c, const u8 *base, u64 size) {
    __builtin_memset(c, 0, sizeof *c);
    c->base = base;
    c->size = size;
    if (size == 0) {
        c->stop = CAPTURE_COMPLETE;
        return;
    }
    c->stop = CAPTURE_NOT_A_CAPTURE;
    if (size < 24) return;
    u32 magic;
    __builtin_memcpy(&magic, base, 4);
    if (magic == 0x0A0D0D0A) {
        c->is_pcapng = 1;
        c->stop = CAPTURE_READING;
        return;
    }
    u32 nanoseconds = magic == 0xA1B23C4D || magic == 0x4D3CB2A1;
    c->swapped = magic == 0xD4C3B2A1 || magic == 0x4D3CB2A1;
    if (!nanoseconds && !c->swapped && magic != 0xA1B2C3D4) return;
    if (capture_u16(c, 4) != 2) {
        c->stop = CAPTURE_BAD_VERSION;
        return;
    }
    c->interface[0].link = capture_u32(c, 20) & 0xFFFF; /* the high bits tell of an FCS */
    c->interface[0].multiply = nanoseconds ? 1 : 1000;
    c->interfaces = 1;
    c->at = 24;
    c->stop = CAPTURE_READING;
}

static int next_pcap_frame(struct capture *c, struct capture_frame *frame) {
    if (c->at == c->size) return capture_stops(c, CAPTURE_COMPLETE);
    if (c->size - c->at < 16) return capture_stops(c, CAPTURE_CUT);
    u64 seconds = capture_u32(c, c->at), part = capture_u32(c, c->at + 4);
    frame->captured = capture_u32(c, c->at + 8);
    frame->wire = capture_u32(c, c->at + 12);
    if (frame->captured > CAPTURE_MAX_FRAME) return capture_stops(c, CAPTURE_BAD_LENGTH);
    if (c->size - c->at - 16 < frame->captured) return capture_stops(c, CAPTURE_CUT);
    frame->data = c->base + c->at + 16;
    frame->link = c->interface[0].link;
    frame->time_ns = seconds * 1000000000ULL + part * c->interface[0].multiply;
    c->at += 16 + frame->captured;
    return 1;
}

/* An Interface Description Block: link type, and the options if_tsresol (9) and if_tsoffset (14). */
static void learn_interface(struct capture *c, u64 body, u64 end) {
    if (c->interfaces == CAPTURE_MAX_INTERFACES || end - body < 8) return;
    struct capture_interface *interface = &c->interface[c->interfaces++];
    __builtin_memset(interface, 0, sizeof *interface);
    interface->link = capture_u16(c, body);
    interface->snap_bytes = capture_u32(c, body + 4);
    interface->multiply = 1000;
    for (u64 at = body + 8; end - at >= 4;) {
        u32 code = capture_u16(c, at), length = capture_u16(c, at + 2);
        if (!code || end - at - 4 < length) return;
        if (code == 9 && length >= 1) {
            u32 resolution = c->base[at + 4];
            interface->multiply = interface->divide = 0;
            interface->shift = resolution & 0x80 ? resolution & 0x7F : 0;
            if (resolution == 0x80) interface->multiply = 1000000000ULL;
            if (!(resolution & 0x80)) {
                interface->multiply = interface->divide = 1;
                for (u32 i = resolution; i < 9; i++) interface->multiply *= 10;
                for (u32 i = 9; i < resolution && i < 27; i++) interface->divide *= 10;
            }
        }
        if (code == 14 && length == 8) {
            u64 low = capture_u32(c, at + (c->swapped ? 8 : 4)), high = capture_u32(c, at + (c->swapped ? 4 : 8));
            interface->offset_s = (long long)(low | high << 32);
        }
        u64 step = 4 + ((u64)length + 3) / 4 * 4;
        if (end - at < step) return;
        at += step;
    }
}

static u64 capture_time(const struct capture_interface *interface, u64 units) {
    __int128 ns = units;
    if (interface->shift) ns = ns * 1000000000 >> interface->shift;
    else if (interface->divide > 1) ns /= interface->divide;
    else ns *= interface->multiply;
    ns += (__int128)interface->offset_s * 1000000000;
    return ns < 0 ? 0 : ns > (__int128)CAPTURE_MAX_NS ? CAPTURE_MAX_NS : (u64)ns;
}

/* The frame of an Enhanced (6), Simple (3) or obsolete (2) Packet Block; 0 when the block is too short for it. */
static int frame_of_block(struct capture *c, u32 type, u64 body, u64 end, struct capture_frame *frame) {
    u32 number = 0;
    u64 data = body + (type == 3 ? 4 : 20);
    if (data > end) return 0;
    if (type == 3) {
        frame->wire = capture_u32(c, body);
        u32 snap_bytes = c->interfaces ? c->interface[0].snap_bytes : 0;
        frame->captured = snap_bytes ? gate_smaller(frame->wire, snap_bytes) : frame->wire;
        if (frame->captured > end - data) frame->captured = (u32)(end - data);
        frame->time_ns = c->last_ns;
    } else {
        number = type == 6 ? capture_u32(c, body) : capture_u16(c, body);
        frame->captured = capture_u32(c, body + 12);
        frame->wire = capture_u32(c, body + 16);
    }
    if (frame->captured > CAPTURE_MAX_FRAME || frame->captured > end - data) return 0;
    frame->data = c->base + data;
    frame->link = CAPTURE_UNKNOWN_LINK;
    if (number >= c->interfaces) {
        c->unknown_interfaces++;
        frame->time_ns = c->last_ns;
        return 1;
    }
    frame->link = c->interface[number].link;
    if (type != 3)
        frame->time_ns = capture_time(&c->interface[number], (u64)capture_u32(c, body + 4) << 32 | capture_u32(c, body + 8));
    return 1;
}

static int next_pcapng_frame(struct capture *c, struct capture_frame *frame) {
    while (c->at < c->size) {
        if (c->size - c->at < 12) return capture_stops(c, CAPTURE_CUT);
        u32 type = capture_u32(c, c->at);
        if (type == 0x0A0D0D0A) { /* a section: its own byte order, its own interfaces */
            u32 order;
            __builtin_memcpy(&order, c->base + c->at + 8, 4);
            if (order != 0x1A2B3C4D && order != 0x4D3C2B1A) return capture_stops(c, c->at ? CAPTURE_BAD_LENGTH : CAPTURE_NOT_A_CAPTURE);
            c->swapped = order != 0x1A2B3C4D;
            c->interfaces = 0;
        }
        u32 length = capture_u32(c, c->at + 4);
        if (length < 12) return capture_stops(c, CAPTURE_BAD_LENGTH);
        if (length > c->size - c->at) return capture_stops(c, CAPTURE_CUT);
        u64 body = c->at + 8, end = c->at + length - 4;
        c->at += ((u64)length + 3) / 4 * 4;
        if (c->at > c->size) c->at = c->size;
        if (type == 1) learn_interface(c, body, end);
        if (type == 2 || type == 3 || type == 6)
            return frame_of_block(c, type, body, end, frame) ? 1 : capture_stops(c, CAPTURE_BAD_LENGTH);
    }
    return capture_stops(c, CAPTURE_COMPLETE);
}

/* 1 and a frame, or 0 when there is none: `stop` tells why. */
static int capture_next(struct capture *c, struct capture_frame *frame) {
    if (c->stop != CAPTURE_READING) return 0;
    if (!(c->is_pcapng ? next_pcapng_frame(c, frame) : next_pcap_frame(c, frame))) return 0;
    if (frame->wire < frame->captured) frame->wire = frame->captured;
    c->last_ns = frame->time_ns;
    /* The next record is asked for while this frame is worked on: 120 ns a packet, not 150. */
    __builtin_prefetch(c->base + c->at);
    if (c->size - c->at > 64) __builtin_prefetch(c->base + c->at + 64);
    return 1;
}

#endif
