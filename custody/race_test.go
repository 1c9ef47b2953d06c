//go:build race

package custody

// stride thins out the tests that try every byte: they have one goroutine, and the race
// detector makes them thirty times slower. Without it all bytes are tried.
const stride = 23
