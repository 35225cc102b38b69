// Package stack spares new goroutines the growth of their stacks while they are deep in
// calls.
package stack

// room is what go-redis needs for a command, and a load for its steps.
const room = 6 << 10

// Grow makes room for the calls that a new goroutine is about to make. It starts with 2 KB,
// and the growth to twice that, and twice more, copies all frames that are there by then.
//
//go:noinline
func Grow() {
	var frame [room]byte
	use(&frame)
}

//go:noinline
func use(*[room]byte) {}
