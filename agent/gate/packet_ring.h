/* The kernel's packet ring (TPACKET_V3) in memory -> frames, block by block, read in place.
 *
 * Documentation/networking/packet_mmap.rst and include/uapi/linux/if_packet.h.
 */
#ifndef PACKET_RING_H
#define PACKET_RING_H

#include "capture_file.h"

enum { RING_BLOCK_OURS = 1, RING_VLAN_VALID = 1 << 4 };

struct packet_ring {
    u8 *base;
    u32 block_bytes;
    u32 blocks;
    u32 block;    /* the one that is read, or will be */
    u32 left;     /* frames of it not yet read */
    u64 at;       /* of the next frame, from its block's start */
    u64 now_ns;   /* by the monotonic clock */
    u64 ahead_ns; /* of the wall clock, by which the kernel stamps frames, before the monotonic one */
};

struct ring_block { /* struct tpacket_block_desc */
    u32 version, private_offset, status, frames, first_offset, length;
};

struct ring_frame { /* struct tpacket3_hdr */
    u32 next_offset, seconds, nanoseconds, captured, wire, status;
    u16 link_offset, network_offset;
    u32 hash, vlan_tci;
};

/* The next frame, and the tag that came beside it or -1; 0 when the kernel has filled no further block. */
static int next_ring_frame(struct packet_ring *ring, struct capture_frame *frame, int *vlan) {
    struct ring_block *block = (struct ring_block *)(ring->base + (u64)ring->block * ring->block_bytes);
    while (!ring->left) {
        if (!(__atomic_load_n(&block->status, __ATOMIC_ACQUIRE) & RING_BLOCK_OURS)) return 0;
        if (ring->at) { /* read to its end: the kernel's again */
            __atomic_store_n(&block->status, 0, __ATOMIC_RELEASE);
            ring->at = 0;
            ring->block = (ring->block + 1) % ring->blocks;
            block = (struct ring_block *)(ring->base + (u64)ring->block * ring->block_bytes);
            continue;
        }
        ring->left = block->frames;
        ring->at = block->first_offset;
    }
    const u8 *bytes = (const u8 *)block + ring->at;
    const struct ring_frame *header = (const struct ring_frame *)bytes;
    frame->data = bytes + header->link_offset;
    frame->captured = header->captured;
    frame->wire = header->wire;
    frame->time_ns = header->seconds * 1000000000ULL + header->nanoseconds - ring->ahead_ns;
    if (frame->time_ns > ring->now_ns) frame->time_ns = ring->now_ns; /* stamped before the wall clock was set */
    frame->link = 1;
    *vlan = -1;
    if (header->status & RING_VLAN_VALID) { /* the tag was taken off the frame, and out of its length */
        *vlan = header->vlan_tci & 0xFFF;
        frame->wire += 4;
    }
    ring->at += header->next_offset;
    ring->left--;
    return 1;
}

#endif
