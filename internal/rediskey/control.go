package rediskey

import "strings"

// ControlPrefix begins every control key, and therefore no value key.
const ControlPrefix = "aside:"

// ControlKey returns the control key of a value key: the key itself in a hash tag,
// so that both lie in one slot of a cluster. Different value keys have different
// control keys.
//
//	user:42          aside:{user:42}
//	{acme}:user:42   aside:{acme}{acme}:user:42
//	a}b              aside:{<n>}a}b   n: the smallest number in the slot of a}b
func ControlKey(key string) string {
	tag, tagged := hashTag(key)
	switch {
	case tagged:
		return ControlPrefix + "{" + tag + "}" + key
	case strings.IndexByte(key, '}') < 0:
		return ControlPrefix + "{" + key + "}"
	}
	// The key would end its own tag early, so a number stands in for it.
	return ControlPrefix + "{" + slotTags()[slot(key)] + "}" + key
}
