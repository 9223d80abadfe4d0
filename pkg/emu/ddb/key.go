package ddb

import (
	"encoding/binary"
	"hash/fnv"
	"strings"
)

// Everything in a table or index stands in one order, by a storage key made of bytes:
// hash of the partition key, partition key, sort key, and in an index the table's own keys.
// The order within a partition is that of the sort key; the order of partitions is, as in DynamoDB, that of a hash,
// which also cuts the table into the segments of a parallel Scan.

const hashSize = 8

// keyAttr is an attribute of a key schema.
type keyAttr struct {
	name string
	kind kind
}

// storageKey is the place of an item under keys, then under the further keys if any. The item has all of them, of the right kinds.
func storageKey(it item, keys []keyAttr, further ...keyAttr) string {
	k := partitionPrefix(it[keys[0].name])
	for _, attr := range keys[1:] {
		k = appendKeyValue(k, it[attr.name])
	}
	for _, attr := range further {
		k = appendKeyValue(k, it[attr.name])
	}
	return string(k)
}

// partitionPrefix begins the storage keys of all items with this partition key, and of no others.
func partitionPrefix(v value) []byte {
	k := appendKeyValue(make([]byte, hashSize, 64), v)
	binary.BigEndian.PutUint64(k, spread(k[hashSize:]))
	return k
}

// spread hashes b evenly over all 64 bits, unlike FNV alone, whose upper bits hardly differ for short keys.
func spread(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// appendKeyValue appends bytes that sort as the values of one kind do, and of which none is the beginning of another.
func appendKeyValue(dst []byte, v value) []byte {
	if n, ok := v.(number); ok {
		return n.appendKey(dst)
	}
	return append(appendKeyPrefix(dst, v), 0, 1)
}

// appendKeyPrefix appends what the keys of all strings or binaries that begin with v begin with.
func appendKeyPrefix(dst []byte, v value) []byte {
	var raw string
	switch v := v.(type) {
	case str:
		raw = string(v)
	case bin:
		raw = string(v)
	}
	return append(dst, strings.ReplaceAll(raw, "\x00", "\x00\xff")...)
}

// after is the least key greater than every key that begins with prefix; empty if there is none.
func after(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}

// segmentOf tells which of n equal parts of the table a storage key lies in.
func segmentOf(key string, n int) int {
	return int(uint64(binary.BigEndian.Uint32([]byte(key[:4]))) * uint64(n) >> 32)
}

// segmentStart is the least storage key of segment i of n; empty, which is no bound, for the ends of the table.
func segmentStart(i, n int) string {
	if i <= 0 || i >= n {
		return ""
	}
	first := (uint64(i)<<32 + uint64(n) - 1) / uint64(n)
	return string(binary.BigEndian.AppendUint32(nil, uint32(first)))
}
