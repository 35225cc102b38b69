package codectest_test

import (
	"fmt"
	"strings"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

// kept is a Value that is wrong: it keeps memory of the wire.
type kept struct{}

func (kept) AppendValue(dst, v []byte) ([]byte, error) { return append(dst, v...), nil }

func (kept) ParseValue(src []byte, v *[]byte) error {
	*v = src
	return nil
}

func ExampleRun() {
	var t recorder // in a test, its *testing.T
	codectest.Run(&t, codec.String(kept{}), []byte("a value"))
	fmt.Println(strings.Join(t.reports, "\n"))
	// Output: value 0: Decode kept bytes it borrowed: the value changed with them
}
