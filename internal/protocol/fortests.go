package protocol

import "sync/atomic"

var auditsUnfenced atomic.Bool

// AuditsWithoutFence says for a test whether audits do without what tells that a write has come
// meanwhile: such are found guilty.
func AuditsWithoutFence(on bool) { auditsUnfenced.Store(on) }
