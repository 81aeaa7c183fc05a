// Encoded text, in each of its three alignments.
rule BenchBase64 {
  strings:
    $a = "Root CA" base64
    $b = "Certification Authority" base64
    $c = "version" base64
  condition:
    any of them
}
