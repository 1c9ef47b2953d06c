// Package people keeps who may log in, proves who they are, and says what they may do:
// one file, mode 0600, of accounts and of the tokens of other programs.
//
// The web asks it at each login and at each request; the command line changes the same
// file beside a running server, and what it changes holds at once.
//
// What it promises:
//
//   - The file is replaced as a whole or not at all. Passwords are kept as argon2id hashes
//     and tokens as SHA-256: what is in the file opens no door.
//   - A check of a password takes the same time for a user that does not exist, whose
//     account seems to lock like any other.
//   - Too many wrong passwords in a row lock an account. The lock survives a restart.
//   - Nobody gives more than they have: who manages people over some cameras manages
//     nobody, and gives nothing, beyond them. The last administrator stays.
//   - A change that its Witness does not take does not happen.
//
// It serves nothing, keeps no session and writes no log of its own.
package people
