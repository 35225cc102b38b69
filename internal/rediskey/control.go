package rediskey

import "strings"

// ControlPrefix begins every control key, and therefore no value key, unless a Family has
// another.
const ControlPrefix = "aside:"

// ControlKey returns the control key of a value key: the key itself in a hash tag,
// so that both lie in one slot of a cluster. Different value keys have different
// control keys.
//
//	user:42          aside:{user:42}
//	{acme}:user:42   aside:{acme}{acme}:user:42
//	a}b              aside:{<n>}a}b   n: the smallest number in the slot of a}b
func ControlKey(key string) string { return controlKey(ControlPrefix, key) }

// controlKey is ControlKey with another prefix, which has no brace: one would begin the hash
// tag, or be taken for its end.
func controlKey(prefix, key string) string {
	tag, tagged := hashTag(key)
	switch {
	case tagged:
		return prefix + "{" + tag + "}" + key
	case strings.IndexByte(key, '}') < 0:
		return prefix + "{" + key + "}"
	}
	// The key would end its own tag early, so a number stands in for it.
	return prefix + "{" + slotTags()[slot(key)] + "}" + key
}

// ScratchKey returns a key that nobody uses, in the slot of a key and behind the prefix of
// control keys.
func ScratchKey(prefix, key string) string {
	return stagingKey(prefix, controlKey(prefix, key), NewToken())
}
