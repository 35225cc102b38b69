// Package codectest tests that a codec keeps the contract of codec.Codec, and
// of codec.Value if it is one:
//
//	func TestUserCodec(t *testing.T) {
//		codectest.Run(t, UserCodec{}, User{}, User{Name: "Ann"})
//	}
//
//	func FuzzUserCodec(f *testing.F) {
//		codectest.Fuzz(f, UserCodec{}, User{Name: "Ann"})
//	}
//
// It looks for values that are not read as they were, bytes of a wire that are kept or
// written to, broken append contracts, errors that show the value, panics and
// memory that hostile bytes only claim to need, and calls that disturb each
// other. Run the tests with -race: it detects the writes that nothing else shows.
//
// What ends the process (a stack overflow, running out of memory) cannot be
// contained, so that a codec that does it ends the test binary.
package codectest
