/* The segments of an HTTP/1 request -> its method and the value of its Host line; the rest of the head stays below the door. */
#ifndef GATE_REQUEST_H
#define GATE_REQUEST_H

#include "gate_core.h"
#include "gate_open.h"

/* How many bytes the method has with which a request begins, or 0: RFC 9110 section 9, RFC 5789, WebDAV (RFC 4918,
 * RFC 3253, RFC 5323), and UPnP's events. `first` and `second` are the first eight bytes of the stream. */
GATE_INLINE u32 http_method(u32 first, u32 second) {
    switch (first) {
    case 0x47455420: return 3; /* GET */
    case 0x50555420: return 3; /* PUT */
    case 0x504F5354: return second >> 24 == 0x20 ? 4 : 0; /* POST */
    case 0x48454144: return second >> 24 == 0x20 ? 4 : 0; /* HEAD */
    case 0x50415443: return second >> 16 == 0x4820 ? 5 : 0; /* PATCH */
    case 0x54524143: return second >> 16 == 0x4520 ? 5 : 0; /* TRACE */
    case 0x44454C45: return second >> 8 == 0x544520 ? 6 : 0; /* DELETE */
    case 0x4F505449: return second == 0x4F4E5320 ? 7 : 0; /* OPTIONS */
    case 0x434F4E4E: return second == 0x45435420 ? 7 : 0; /* CONNECT */
    case 0x4D4F5645: return second >> 24 == 0x20 ? 4 : 0; /* MOVE */
    case 0x434F5059: return second >> 24 == 0x20 ? 4 : 0; /* COPY */
    case 0x4C4F434B: return second >> 24 == 0x20 ? 4 : 0; /* LOCK */
    case 0x4D4B434F: return second >> 16 == 0x4C20 ? 5 : 0; /* MKCOL */
    case 0x554E4C4F: return second >> 8 == 0x434B20 ? 6 : 0; /* UNLOCK */
    case 0x5245504F: return second >> 8 == 0x525420 ? 6 : 0; /* REPORT */
    case 0x50524F50: return second == 0x46494E44 ? 8 : second == 0x50415443 ? 9 : 0; /* PROPFIND, PROPPATCH */
    case 0x53454152: return second >> 8 == 0x434820 ? 6 : 0; /* SEARCH */
    case 0x4E4F5449: return second >> 8 == 0x465920 ? 6 : 0; /* NOTIFY */
    case 0x53554253: return second == 0x43524942 ? 9 : 0; /* SUBSCRIBE */
    default: return 0;
    }
}

/* All eight letters to lower case: 0x40 set means a letter or close to one. */
GATE_INLINE u64 folded(u64 word) { return word | (word & 0x4040404040404040ULL) >> 1; }

/* 0 when none of the word's bytes is `byte`. */
GATE_INLINE u64 has_byte(u64 word, u64 byte) {
    u64 other = word ^ byte * 0x0101010101010101ULL;
    return (other - 0x0101010101010101ULL) & ~other & 0x8080808080808080ULL;
}

/* Of the bytes that were searched, as many of the last as may begin "\nhost:" or an empty line: a row lies in memory
 * that user space reads, and nothing else of the head may stay there. */
GATE_INLINE u64 kept_of_head(u64 last) {
    const u64 host = 0x0A686F73743AULL; /* "\nhost:" */
    if ((last & 0xFFFFFFFFFF) == host >> 8) return last & 0xFFFFFFFFFF;
    if ((last & 0xFFFFFFFF) == host >> 16) return last & 0xFFFFFFFF;
    if ((last & 0xFFFFFF) == host >> 24) return last & 0xFFFFFF;
    if ((last & 0xFFFF) == host >> 32 || (last & 0xFFFF) == 0x0A0D) return last & 0xFFFF;
    return (last & 0xFF) == '\n' ? '\n' : 0;
}

/* What find_host returns where the chunk holds no such place. */
enum { NO_HOST = GATE_CHUNK_BYTES + 1, HEAD_ENDS };

/* Looks through a chunk of the head for a line that starts with "Host:". Returns how far into it the value starts,
 * NO_HOST, or HEAD_ENDS when an empty line comes first. `window` holds what was kept of the bytes before, so a word cut
 * by a segment's end is found. */
GATE_INLINE u32 find_host(struct gate *gate, u32 at, u32 length, u64 *window) {
    u64 last = *window, before = 0;
    u32 found = NO_HOST;
    gate_chunk(gate, at, length);
    GATE_UNROLLED
    for (u32 word = 0; word < GATE_CHUNK_WORDS; word++) {
        if (word * 8 >= length) break;
        before = last;
        last = folded(gate_chunk_word(gate, word));
        if (!(has_byte(last, ':') | has_byte(last, '\n'))) continue; /* neither ends here */
        GATE_UNROLLED
        for (u32 i = 0; i < 8; i++) {
            u64 seen = i < 7 ? before << (8 * i + 8) | last >> (56 - 8 * i) : last;
            if ((seen & 0xFFFFFFFFFFFFULL) == 0x0A686F73743AULL) { /* "\nhost:" */
                found = word * 8 + i + 1;
                goto done;
            }
            if ((seen & 0xFFFFFF) == 0x0A0D0A || (seen & 0xFFFF) == 0x0A0A) {
                found = HEAD_ENDS;
                goto done;
            }
        }
    }
    u32 zeros = (0 - length) % 8 * 8; /* behind the last byte, in its word */
    *window = kept_of_head(zeros ? last >> zeros | before << (64 - zeros) : last);
done:
    return gate_plain(gate, found);
}

/* How far from `at` a line ends, of `length` bytes and at most GATE_HTTP_HOST_BYTES on; `length` when it does not. */
GATE_INLINE u32 find_line_end(struct gate *gate, u32 at, u32 length) {
    u32 end = length;
    if (!length) return end;
    gate_chunk(gate, at, gate_smaller(length, GATE_HTTP_HOST_BYTES + 1));
    GATE_UNROLLED
    for (u32 word = 0; word <= GATE_HTTP_HOST_BYTES / 8; word++) {
        u64 bytes = gate_chunk_word(gate, word);
        if (!(has_byte(bytes, '\r') | has_byte(bytes, '\n'))) continue;
        GATE_UNROLLED
        for (u32 i = 0; i < 8; i++) {
            u64 byte = bytes >> (56 - 8 * i) & 0xFF;
            if (byte == '\r' || byte == '\n') {
                end = word * 8 + i;
                goto done;
            }
        }
    }
done:
    return gate_plain(gate, end);
}

/* How much of the head stands in this piece from where the search is, and `skip`: how far in that is. Nothing behind a
 * hole: what comes after it cannot be told from a body. */
GATE_INLINE u32 rest_of_head(const struct gate_row *row, const struct gate_piece *piece, u32 *skip) {
    *skip = row->cursor - piece->offset;
    if (piece->offset > row->cursor || *skip >= piece->captured || row->cursor >= GATE_HTTP_SEARCH_BYTES) return 0;
    return gate_smaller(piece->captured - *skip, GATE_HTTP_SEARCH_BYTES - row->cursor);
}

enum head { HEAD_OVER, HEAD_GOES_ON, HEAD_HAS_HOST };

/* Searches the next chunk of the head, in stream order, for the Host line. Gives up at the head's end, or after
 * GATE_HTTP_SEARCH_BYTES. */
GATE_INLINE enum head search_head(struct gate *gate, struct gate_row *row, const struct gate_piece *piece) {
    u32 skip, rest = rest_of_head(row, piece, &skip), length = gate_smaller(rest, GATE_CHUNK_BYTES);
    if (!length) return HEAD_OVER;
    u32 value = find_host(gate, piece->at + skip, length, &row->window);
    if (value == HEAD_ENDS) {
        close_flow(row);
        return HEAD_OVER;
    }
    if (value <= length) {
        row->cursor += value;
        row->flags |= FLOW_HOST_VALUE;
        row->window = 0;
        row->limit = 0;
        return HEAD_HAS_HOST;
    }
    row->cursor += length;
    if (row->cursor >= GATE_HTTP_SEARCH_BYTES) close_flow(row);
    return length < rest ? HEAD_GOES_ON : HEAD_OVER;
}

/* Hands over the Host value, which may go on in later segments. */
GATE_INLINE void open_host(struct gate *gate, struct gate_row *row, struct gate_piece *piece, const struct gate_packet *packet) {
    u32 skip, rest = rest_of_head(row, piece, &skip);
    if (rest) {
        u32 end = find_line_end(gate, piece->at + skip, rest);
        u32 have = gate_smaller(end, GATE_HTTP_HOST_BYTES - row->limit), whole = end < rest && have == end;
        row->limit += have;
        row->cursor += rest;
        if (have || whole) open_slice(gate, row, piece, packet, SLICE_HTTP_HOST, whole ? SLICE_END : 0, skip, have);
        if (whole || row->limit >= GATE_HTTP_HOST_BYTES) close_flow(row);
    }
    if (row->cursor >= GATE_HTTP_SEARCH_BYTES) close_flow(row);
}

/* Whether a stream begins with a request. Takes up to eight bytes in stream order, as open_http goes on to do; while
 * there are fewer, and they may become a method, the flow stays undecided. */
GATE_INLINE u32 decide_request(struct gate *gate, struct gate_row *row, const struct gate_piece *piece) {
    u8 byte;
    GATE_UNROLLED
    for (u32 i = 0; i < 8; i++) {
        u32 inside = row->cursor - piece->offset;
        if (row->cursor > 7 || inside >= piece->captured || gate_load(gate, piece->at + inside, &byte, 1)) break;
        row->window = row->window << 8 | byte;
        row->cursor++;
    }
    u64 begins = row->window >> ((row->cursor - 1) * 8 & 56); /* the first byte */
    if (row->cursor < 8) return begins >= 'A' && begins <= 'Z' ? FLOW_UNDECIDED : FLOW_OTHER;
    row->limit = http_method((u32)(row->window >> 32), (u32)row->window);
    row->window = 0;
    return row->limit ? FLOW_HTTP : FLOW_OTHER;
}

#endif
