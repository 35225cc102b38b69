// Package rediskey names the keys in Redis that stand beside a value key, in the slot of that:
// its control key, and the keys where values are staged.
package rediskey
