package rediskey

import (
	"strconv"
	"strings"
	"sync"
)

// Slot returns the cluster slot of a key.
func Slot(key string) uint16 {
	if tag, ok := hashTag(key); ok {
		return slot(tag)
	}
	return slot(key)
}

// hashTag returns the part of a key that decides its slot, if it is not the
// whole: what stands between the first { and the first } after it, unless that
// is nothing. See the Redis cluster specification, "Hash tags".
func hashTag(key string) (tag string, ok bool) {
	_, rest, found := strings.Cut(key, "{")
	if !found {
		return "", false
	}
	tag, _, found = strings.Cut(rest, "}")
	return tag, found && tag != ""
}

// InSlot returns a key in a slot below 16384.
func InSlot(slot uint16) string { return slotTags()[slot] }

const slots = 16384

// slot returns the cluster slot of an untagged key.
func slot(key string) uint16 {
	var crc uint16
	for i := range len(key) {
		crc = crc<<8 ^ crc16[byte(crc>>8)^key[i]]
	}
	return crc % slots
}

// crc16 is the table of CRC-16/XMODEM, polynomial 0x1021.
var crc16 = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
		table[i] = crc
	}
	return table
}()

// slotTags returns, for each slot, the smallest decimal number that lies in it.
// It takes a few milliseconds, once, and only in a process that meets a key with
// a stray brace, or writes to a cluster.
var slotTags = sync.OnceValue(func() *[slots]string {
	var tags [slots]string
	for n, missing := 0, slots; missing > 0; n++ {
		tag := strconv.Itoa(n)
		if s := slot(tag); tags[s] == "" {
			tags[s] = tag
			missing--
		}
	}
	return &tags
})
