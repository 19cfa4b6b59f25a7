# hushcast_embed(TARGET FOLDER) puts every file below FOLDER, except those below test/, into TARGET:
# the bytes by the assembler's .incbin, and a table of them (src/api/embedded.hpp).
function(hushcast_embed target folder)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${folder} ${folder}/*)
  list(FILTER files EXCLUDE REGEX "^(test|node_modules)/|(^|/)\\.|\\.(md|json)$")
  set(assembler ".section .rodata\n")
  set(declarations "")
  set(rows "")
  set(inputs "")
  set(number 0)
  foreach(file ${files})
    string(APPEND assembler
      ".global hushcast_asset_${number}\n.global hushcast_asset_${number}_end\n.balign 16\n"
      "hushcast_asset_${number}:\n.incbin \"${folder}/${file}\"\nhushcast_asset_${number}_end:\n.byte 0\n")
    string(APPEND declarations
      "extern \"C\" const char hushcast_asset_${number}[];\nextern \"C\" const char hushcast_asset_${number}_end[];\n")
    string(APPEND rows
      "        {\"/${file}\", {hushcast_asset_${number}, hushcast_asset_${number}_end}},\n")
    list(APPEND inputs ${folder}/${file})
    math(EXPR number "${number} + 1")
  endforeach()
  string(APPEND assembler ".section .note.GNU-stack,\"\",%progbits\n")
  set(where ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  file(CONFIGURE OUTPUT ${where}.S CONTENT "${assembler}" @ONLY)
  file(CONFIGURE OUTPUT ${where}.cpp @ONLY CONTENT
"#include \"api/embedded.hpp\"

#include <vector>

${declarations}
namespace hushcast::api {

std::span<const EmbeddedFile> embedded_files() {
    static const std::vector<EmbeddedFile> kFiles{
${rows}    };
    return kFiles;
}

}  // namespace hushcast::api
")
  set_source_files_properties(${where}.S PROPERTIES OBJECT_DEPENDS "${inputs}")
  target_sources(${target} PRIVATE ${where}.S ${where}.cpp)
endfunction()
