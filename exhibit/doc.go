// Package exhibit makes the package in which incidents are handed to the police, a court or
// an insurer, and checks such a package where there is nothing but the package.
//
// [Prepare] reads every piece of evidence once, compares it with its record, and makes what
// is made for the recipient: a page to read first, the record as PDF and JSON, a contact
// sheet, a note on the clocks. A master that is missing or altered is an error then, before
// the first byte is given away. [Package.Write] streams the package: a zip file whose every
// byte follows from the list of its files.
//
// # The container
//
// Files are stored, not compressed: masters do not become smaller, and each can be found in
// the package byte for byte. Headers are written in one form only. Whoever knows the names,
// sizes and checksums of the files, which exhibit.json states under a signature, can write
// the same headers again; [Verify] does so and compares. So there is no byte in the file
// that nobody vouches for: none before, between or behind the files, in no extra field and
// no comment.
//
// # What vouches for what
//
//	exhibit.sig ─▶ exhibit.json ─▶ every file: size and SHA-256
//	                  │              ├─ manifest.sig ─▶ manifest.json ─▶ the masters, when they were stored
//	                  │              └─ custody.json: proofs that the entries are in the log
//	                  └─▶ names, sizes: the headers of the zip file; SHA256SUMS
//
// A signature proves that the holder of a key made the package and that nobody has changed
// it since. Whose key it is no file can prove: [Pin] compares it with a fingerprint that
// came by another way.
//
// Memory does not grow with the length of a clip. Files that are made for the package wait
// in a temporary folder until they are written.
package exhibit
