rule base64_forms {
  strings:
    $a = "This program cannot" base64
    $wide = "This program cannot" base64wide
    $source_wide = "This program" base64 wide
    $alphabet = "This program cannot" base64("ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba0123456789+/")
    $short = "abcd" base64
  condition:
    $a and $wide and $source_wide and $alphabet and $short
}
