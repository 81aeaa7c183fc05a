import "pe"

rule anchored {
  strings:
    $head = "MZhead"
    $hex = { 4D 5A ?? ~00 4? }
    $nocase = "%PDF" nocase
    $wide = "ab" wide ascii
    $far = "far away"
    $entry = { 60 E8 00 00 00 00 5D }
    $range = "in a range"
  condition:
    $head at 0 or $hex at 2 or $nocase at 0 or $wide at 0 or $far at 100000 or $entry at pe.entry_point or
    $range in (0..filesize - 10)
}
