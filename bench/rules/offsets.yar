// A string within the first bytes.
rule BenchOffsets {
  strings:
    $a = "#!/bin/sh"
    $b = "#!/usr/bin/perl"
  condition:
    $a at 0 or $b in (0..16)
}
